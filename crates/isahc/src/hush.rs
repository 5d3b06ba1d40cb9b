//! The first transfer of each client, on loopback: it silences the client's thread, and shows what the
//! client adds to a request.

use std::io::{self, Read};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll};
use std::time::Duration;

use countersign_core::TransportError;
use futures_lite::{AsyncRead, FutureExt};
use isahc::config::Configurable;
use isahc::net::{Dialer, IpVersion, interface};
use isahc::{AsyncBody, HttpClient};
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;

use crate::error::{unready, unsent};
use crate::request::curl_time;

/// It takes less than a millisecond.
pub(crate) const HUSHING: Duration = Duration::from_secs(2);

/// Makes `silence` the subscriber of the client's thread, which is where libcurl tells the bytes.
///
/// The one way into that thread is the body of a request, which is read there once there is a
/// connection. So this request goes to a port of our own, where nobody answers it, and ends with
/// the reading.
///
/// A client whose default headers hold `Expect: 100-continue` is refused: it would send the head
/// without asking for the body, and all of it a second time after a 417.
pub(crate) async fn hush(
    client: &HttpClient,
    silence: &Dispatch,
    limit: Duration,
) -> Result<(), TransportError> {
    let loopback: [SocketAddr; 2] =
        [(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()];
    let nobody = TcpListener::bind(&loopback[..]).map_err(unsent)?;
    let address = nobody.local_addr().map_err(unsent)?;
    let (heard, told) = mpsc::channel();
    let body = Hushing { silence: silence.clone(), heard: Some(heard) };
    let request = http::Request::post(format!("http://{address}/"))
        .timeout(curl_time(limit.min(HUSHING)))
        .proxy(None)
        .dial(Dialer::ip_socket(address))
        .interface(interface::Any)
        .ip_version(IpVersion::Any)
        .body(AsyncBody::from_reader_sized(body, 1))
        .map_err(unsent)?;
    let sending = async { client.send_async(request).await }.with_subscriber(silence.clone());
    let Ok(ended) = AssertUnwindSafe(sending).catch_unwind().await else {
        return Err(unsent(
            "isahc panicked, as it does where a default header is not visible ASCII",
        ));
    };
    match (told.try_recv(), ended) {
        (Ok(()), _) if expects(&nobody) => Err(unsent(EXPECTS)),
        (Ok(()), _) => Ok(()),
        (Err(_), Err(error)) => Err(unready(error)),
        (Err(_), Ok(_)) => Err(unsent("the log of isahc could not be silenced")),
    }
}

const EXPECTS: &str = "a default header of the builder is `Expect`: libcurl repeats such requests";

struct Hushing {
    silence: Dispatch,
    heard: Option<mpsc::Sender<()>>,
}

impl AsyncRead for Hushing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(heard) = self.heard.take() {
            // For as long as the thread lives.
            std::mem::forget(tracing::dispatcher::set_default(&self.silence));
            let _ = heard.send(());
        }
        Poll::Ready(Err(io::ErrorKind::Interrupted.into()))
    }
}

/// Whether a head with `Expect` has arrived. Without it nothing has: libcurl asks for the body first,
/// and was refused it. (One that the system brings may send the head first, and yet is not waiting.)
fn expects(nobody: &TcpListener) -> bool {
    if nobody.set_nonblocking(true).is_err() {
        return false;
    }
    let mut head = Vec::new();
    while let Ok((stream, _)) = nobody.accept() {
        // What has arrived by now is all: the client has hung up.
        if stream.set_nonblocking(true).is_ok() {
            let _ = stream.take(MOST_HEAD).read_to_end(&mut head);
        }
    }
    head.split(|byte| *byte == b'\n')
        .filter_map(|line| line.get(..EXPECT.len()))
        .any(|name| name.eq_ignore_ascii_case(EXPECT))
}

const EXPECT: &[u8] = b"expect:";

/// Far more than any server takes.
const MOST_HEAD: u64 = 1024 * 1024;
