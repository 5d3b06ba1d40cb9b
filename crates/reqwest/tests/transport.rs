//! What the transport adds to reqwest, beside the rules of `conformance.rs`.

use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use countersign_core::{Body, Delivery, Limits, Runtime, Transport, TransportErrorKind};
use countersign_reqwest::{ReqwestTransport, reqwest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

type TestResult = Result<(), Box<dyn Error>>;

/// A server that says the same to every connection, and then reads until the client hangs up. Ends
/// with the number of connections, when it is asked.
struct Server {
    url: String,
    task: JoinHandle<()>,
    connections: tokio::sync::watch::Receiver<usize>,
}

impl Server {
    async fn saying(answer: &'static [u8]) -> Result<Self, Box<dyn Error>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/oauth/token?secret=in-the-url", listener.local_addr()?);
        let (count, connections) = tokio::sync::watch::channel(0);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.send_modify(|count| *count += 1);
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    let _ = stream.read(&mut request).await;
                    let _ = stream.write_all(answer).await;
                    while stream.read(&mut request).await.is_ok_and(|read| read > 0) {}
                });
            }
        });
        Ok(Self { url, task, connections })
    }

    fn request(&self) -> Result<http::Request<Body>, http::Error> {
        http::Request::post(&self.url).body(Body::from(b"code=secret-in-the-body".to_vec()))
    }

    fn connections(&self) -> usize {
        *self.connections.borrow()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn redirects_are_off_whatever_the_builder_says() -> TestResult {
    let target = Server::saying(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
    let location = target.url.clone();
    let answer = format!("HTTP/1.1 307 Go\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
    let server = Server::saying(answer.leak().as_bytes()).await?;
    let builder = || reqwest::Client::builder().redirect(reqwest::redirect::Policy::limited(10));
    let transport = ReqwestTransport::from_builder(builder)?;
    let answer = transport.send(server.request()?, Limits::default()).await?;
    assert_eq!(answer.status(), 307);
    assert_eq!((server.connections(), target.connections()), (1, 0));
    Ok(())
}

/// In a process of its own, since the environment is where reqwest looks for proxies.
#[tokio::test]
async fn g04_plain_http_goes_to_this_machine_and_not_to_a_proxy() -> TestResult {
    const URL: &str = "COUNTERSIGN_TEST_URL";
    const NAME: &str = "g04_plain_http_goes_to_this_machine_and_not_to_a_proxy";
    if let Ok(url) = std::env::var(URL) {
        let request = http::Request::post(url).body(Body::empty())?;
        ReqwestTransport::new()?.send(request, Limits::default()).await?;
        return Ok(());
    }
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let (server, proxy) = (Server::saying(answer).await?, Server::saying(answer).await?);
    let mut child = tokio::process::Command::new(std::env::current_exe()?);
    child.args(["--exact", NAME]).env(URL, &server.url);
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(variable, proxy.url.split("/oauth").next().unwrap_or_default());
    }
    assert!(child.status().await?.success());
    assert_eq!((server.connections(), proxy.connections()), (1, 0));
    Ok(())
}

/// A server that does not speak TLS cannot have read the request.
#[cfg(any(feature = "rustls", feature = "aws-lc-rs", feature = "native-tls"))]
#[tokio::test]
async fn a_failed_handshake_carried_nothing() -> TestResult {
    let server = Server::saying(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
    let url = server.url.replace("http://", "https://");
    let request = http::Request::post(url).body(Body::empty())?;
    let error = ReqwestTransport::new()?.send(request, Limits::default()).await;
    let error = error.expect_err("no TLS there");
    assert_eq!(error.delivery(), Delivery::NotSent);
    Ok(())
}

#[test]
fn g05_it_shows_no_header_of_its_clients() -> TestResult {
    let mut headers = http::HeaderMap::new();
    headers.insert("x-api-key", http::HeaderValue::from_static("secret"));
    let builder = || reqwest::Client::builder().default_headers(headers.clone());
    let transport = ReqwestTransport::from_builder(builder)?;
    assert!(!format!("{transport:?}").contains("secret"));
    Ok(())
}

#[test]
fn without_a_runtime_it_says_so() -> TestResult {
    let transport = ReqwestTransport::new()?;
    assert_eq!(transport.runtime(), Runtime::Tokio);
    let request = http::Request::post("http://127.0.0.1:1/").body(Body::empty())?;
    let mut call = pin!(transport.send(request, Limits::default()));
    let Poll::Ready(Err(error)) = call.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    else {
        return Err("it should have failed at once".into());
    };
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert_eq!(error.kind(), TransportErrorKind::NoRuntime);
    assert!(error.source().is_some_and(|it| it.to_string().contains("tokio runtime")));
    Ok(())
}
