//! Over isahc; and what a bare client sends and reads.

use std::time::Duration;

use countersign_benches::registration::{CLIENT_ID, CLIENT_SECRET};
use countersign_core::{Client, Provider, RefreshToken};
use countersign_isahc::IsahcTransport;
use countersign_isahc::isahc::config::Configurable;
use countersign_isahc::isahc::{AsyncReadResponseExt, HttpClient};
use futures_lite::future::block_on;
use serde::Deserialize;

use crate::Subject;

pub(crate) const REFRESH_TOKEN: &str = "hNTI2MTFmM2VmZDQxZTZjOWRmZmFjZmVmMGMyNGFjMzI2MGI5YzgzNmE3";

/// The limits of a bare client, which are the transports'.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(10);
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// What a bare client makes of an answer.
#[derive(Deserialize)]
#[expect(dead_code, reason = "an application would read them")]
pub(crate) struct Tokens {
    access_token: String,
    token_type: String,
    refresh_token: Option<String>,
    expires_in: Option<i64>,
}

/// What a bare client sends.
pub(crate) fn body() -> Vec<u8> {
    serde_json::to_vec(&serde_json::json!({
        "grant_type": "refresh_token",
        "refresh_token": REFRESH_TOKEN,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }))
    .expect("JSON")
}

pub(crate) fn all(origin: &str) -> Vec<Subject> {
    vec![bare(format!("{origin}/oauth/token?refresh")), countersign(origin)]
}

fn bare(url: String) -> Subject {
    let builder = HttpClient::builder().connect_timeout(CONNECT_LIMIT).timeout(LIMIT);
    let client = builder.build().expect("a client");
    Subject::new("isahc, POST and parse", true, move |exchanges| {
        for _ in 0..exchanges {
            let request = http::Request::post(&url)
                .header("content-type", "application/json")
                .header("accept", "application/json")
                .body(body())
                .expect("a request");
            let tokens: Tokens = block_on(async {
                let mut answer = client.send_async(request).await.expect("an answer");
                let bytes = answer.bytes().await.expect("a body");
                serde_json::from_slice(&bytes).expect("tokens")
            });
            drop(tokens);
        }
    })
}

fn countersign(origin: &str) -> Subject {
    let client = Client::builder(Provider::hellosign().with_origin(origin), CLIENT_ID)
        .secret(CLIENT_SECRET)
        .transport(IsahcTransport::new().expect("a transport"))
        .build()
        .expect("a client");
    let token = RefreshToken::new(REFRESH_TOKEN).expect("a token");
    Subject::new("Countersign over isahc", false, move |exchanges| {
        for _ in 0..exchanges {
            drop(block_on(client.refresh(&token)).expect("tokens"));
        }
    })
}
