//! The least that a program does with `countersign-core` and an HTTP client of its own.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use countersign_core::{
    Binding, Body, Callback, Client, Limits, Provider, Transport, TransportError,
};

#[derive(Debug)]
struct Canned;

#[async_trait]
impl Transport for Canned {
    async fn send(
        &self,
        request: http::Request<Body>,
        _limits: Limits,
    ) -> Result<http::Response<Body>, TransportError> {
        let body = format!(
            r#"{{"access_token":"{}","token_type":"Bearer","expires_in":3600,"refresh_token":"r"}}"#,
            request.uri().path().len()
        );
        Ok(http::Response::new(Body::from(body.into_bytes())))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let provider =
        Provider::rfc6749("https://provider.example/authorize", "https://provider.example/token");
    let client = Client::builder(provider, "client id")
        .secret("secret")
        .redirect_uri("https://app.example/callback")
        .transport(Canned)
        .build()?;
    let browser = Binding::this_process();
    let flow = client.authorize(&browser).begin()?;
    println!("{}", flow.authorization_url());

    // Never in practice, but the compiler cannot know.
    if let Some(url) = std::env::args().nth(1) {
        let flow = wait(flow.complete(&Callback::from_url(&url)?, &browser))?;
        println!("{:?}", flow.expires_at());
        let flow = wait(flow.expire().refresh())?;
        println!("{:?}", flow.expires_at());
    }
    Ok(())
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}
