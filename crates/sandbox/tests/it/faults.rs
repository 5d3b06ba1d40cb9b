//! Faults, as a client sees them, and what the sandbox has done meanwhile.

use std::io::ErrorKind;

use countersign_sandbox::{Answer, Config, Fault, Target, When};
use reqwest::StatusCode;
use reqwest::header::{HeaderValue, RETRY_AFTER};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Peer, send, text, within};

impl Peer {
    /// A refresh over a bare socket: what arrives, and how the connection ends.
    async fn raw_refresh(&self, refresh_token: &str, limit: usize) -> (String, Option<ErrorKind>) {
        let address = self.sandbox.origin().trim_start_matches("http://");
        let body = format!(
            "grant_type=refresh_token&refresh_token={refresh_token}&client_id={}&client_secret={}",
            Config::CLIENT_ID,
            Config::CLIENT_SECRET
        );
        let request = format!(
            "POST /oauth/token HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\
             content-type: application/x-www-form-urlencoded\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(address).await.expect("connects");
        stream.write_all(request.as_bytes()).await.expect("sends");
        let mut received = Vec::new();
        let mut buffer = [0; 4096];
        let end = loop {
            match stream.read(&mut buffer).await {
                Ok(0) => break None,
                Ok(_) if received.len() > limit => break None,
                Ok(n) => received.extend_from_slice(&buffer[..n]),
                Err(error) => break Some(error.kind()),
            }
        };
        (String::from_utf8_lossy(&received).into_owned(), end)
    }

    fn refreshes(&self) -> u64 {
        self.sandbox.grants()[0].refreshes
    }
}

#[tokio::test]
async fn a_reset_is_a_reset_and_acts_only_when_told() {
    let peer = Peer::hellosign().await;
    let token = peer.granted().await;
    for (when, refreshes) in [(When::Before, 0), (When::After, 1)] {
        peer.sandbox.fail_next(Fault::Reset { when }.on(Target::TokenRefresh));
        let (received, end) = peer.raw_refresh(text(&token, "refresh_token"), 0).await;
        assert_eq!(received, "");
        assert_eq!(end, Some(ErrorKind::ConnectionReset), "{when:?}");
        assert_eq!(peer.refreshes(), refreshes, "{when:?}");
    }
    assert_eq!(peer.sandbox.counts().token_refresh, 2, "both were counted");
    assert_eq!(peer.refresh(text(&token, "refresh_token")).await.status, 200);
}

#[tokio::test]
async fn a_reset_after_acting_spends_the_code() {
    let peer = Peer::hellosign().await;
    let (kept, spent) = (peer.code(), peer.code());
    for (code, when, status) in [(kept, When::Before, 200), (spent, When::After, 400)] {
        peer.sandbox.fail_next(Fault::Reset { when });
        assert!(peer.generate_request(&code).send().await.is_err());
        assert_eq!(peer.generate(&code).await.status, status, "{when:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_loses_the_rotated_token() {
    let peer = Peer::rfc6749().await;
    let token = peer.granted().await;
    peer.sandbox.fail_next(Fault::Reset { when: When::After });
    let lost = peer.refresh_request(text(&token, "refresh_token"));
    assert!(lost.send().await.is_err());
    assert_eq!(peer.sandbox.grants()[0].generation, 1);
    assert_eq!(peer.refresh(text(&token, "refresh_token")).await.status, 400);
}

#[tokio::test]
async fn a_truncated_answer_promises_more_than_it_sends() {
    let peer = Peer::hellosign().await;
    let token = peer.granted().await;
    peer.sandbox.fail_next(Fault::Truncated);
    let (received, end) = peer.raw_refresh(text(&token, "refresh_token"), usize::MAX).await;
    assert_eq!(end, None, "a clean close");
    let (head, body) = received.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    let length: usize = length.and_then(|length| length.parse().ok()).expect("a length");
    assert!(!body.is_empty() && body.len() < length, "{} of {length}", body.len());
    assert_eq!(peer.refreshes(), 1, "it was carried out");

    peer.sandbox.fail_next(Fault::Truncated);
    let response = peer.refresh_request(text(&token, "refresh_token")).send().await;
    assert!(response.expect("a head").text().await.is_err());
}

#[tokio::test]
async fn an_endless_answer_goes_on_until_the_peer_leaves() {
    let peer = Peer::hellosign().await;
    let token = peer.granted().await;
    peer.sandbox.fail_next(Fault::Endless { when: When::Before });
    let limit = 8 * 1024 * 1024;
    let (received, end) = peer.raw_refresh(text(&token, "refresh_token"), limit).await;
    assert!(received.len() > limit && end.is_none());
    assert!(received.contains("transfer-encoding: chunked"));
    assert_eq!(peer.refreshes(), 0);

    peer.sandbox.fail_next(Fault::Endless { when: When::After });
    let mut response =
        peer.refresh_request(text(&token, "refresh_token")).send().await.expect("a head");
    let mut read = 0;
    while read < limit {
        read += response.chunk().await.expect("well-formed").expect("never ends").len();
    }
    assert_eq!(peer.refreshes(), 1);
}

#[tokio::test]
async fn answers_of_one_s_own() {
    let peer = Peer::hellosign().await;
    let token = peer.granted().await;
    let refresh_token = text(&token, "refresh_token");
    peer.sandbox.fail_next(
        Answer::new(StatusCode::TOO_MANY_REQUESTS)
            .header(RETRY_AFTER, HeaderValue::from_static("7"))
            .body("{}"),
    );
    let reply = peer.refresh(refresh_token).await;
    assert_eq!(reply.status, 429);
    assert_eq!(reply.header("retry-after"), Some("7"));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.text, "{}");
    assert_eq!(peer.refreshes(), 0);

    peer.sandbox.fail_next(Answer::new(StatusCode::BAD_GATEWAY).when(When::After));
    let reply = peer.refresh(refresh_token).await;
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (502, ""));
    assert_eq!(peer.refreshes(), 1);

    peer.sandbox.fail_next(Fault::garbage());
    let reply = peer.refresh(refresh_token).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert!(serde_json::from_str::<serde_json::Value>(&reply.text).is_err());
    assert_eq!(peer.refreshes(), 1);

    peer.sandbox.fail_next(Fault::status(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(peer.refresh(refresh_token).await.status, 503);
}

#[tokio::test]
async fn a_right_answer_can_be_labelled_wrong() {
    let peer = Peer::hellosign().await;
    let token = peer.granted().await;
    let content_type = "text/html".to_owned();
    peer.sandbox.fail_next(Fault::ContentType { content_type });
    let reply = peer.refresh(text(&token, "refresh_token")).await;
    assert_eq!(reply.header("content-type"), Some("text/html"));
    assert_eq!(reply.json()["refresh_token"], token["refresh_token"]);
    assert_eq!(peer.refreshes(), 1);
}

#[tokio::test]
async fn redirects_point_at_the_trap_which_counts() {
    let peer = Peer::hellosign().await;
    let token = peer.granted().await;
    for status in [301, 302, 303, 307, 308] {
        let status = StatusCode::from_u16(status).expect("a status");
        peer.sandbox.fail_next(Fault::Redirect { status, location: None });
        let reply = peer.refresh(text(&token, "refresh_token")).await;
        assert_eq!(reply.status, status);
        let trap = format!("{}/_sandbox/trap", peer.sandbox.origin());
        assert_eq!(reply.header("location"), Some(trap.as_str()));
        assert_eq!(send(peer.http.post(&trap).body("x")).await.status, 200);
    }
    assert_eq!(peer.sandbox.counts().trap, 5);
    assert_eq!(peer.refreshes(), 0);

    let location = Some("http://127.0.0.1:1/elsewhere".to_owned());
    peer.sandbox.fail_next(Fault::Redirect { status: StatusCode::FOUND, location });
    let reply = peer.refresh("x").await;
    assert_eq!(reply.header("location"), Some("http://127.0.0.1:1/elsewhere"));
}

#[tokio::test]
async fn a_held_request_waits_for_its_release() {
    for (when, meanwhile) in [(When::Before, 0), (When::After, 1)] {
        let peer = Peer::hellosign().await;
        let token = peer.granted().await;
        let refresh_token = text(&token, "refresh_token");
        peer.sandbox.fail_next(Fault::Hold { when });
        let held = tokio::spawn(peer.refresh_request(refresh_token).send());
        within(peer.sandbox.wait_for_held(1)).await;
        assert_eq!(peer.sandbox.counts().token_refresh, 1, "counted at arrival");
        assert_eq!(peer.refreshes(), meanwhile, "{when:?}");
        assert!(!held.is_finished());
        assert_eq!(peer.refresh(refresh_token).await.status, 200, "others are served");
        assert_eq!(peer.sandbox.release(), 1);
        assert_eq!(held.await.expect("joins").expect("answers").status(), 200);
        assert_eq!(peer.refreshes(), 2);
        assert_eq!(peer.sandbox.release(), 0);
    }
}

#[tokio::test]
async fn who_hangs_up_does_not_undo_what_is_due() {
    let peer = Peer::hellosign().await;
    let token = peer.granted().await;
    peer.sandbox.fail_next(Fault::Hold { when: When::Before });
    let held = tokio::spawn(peer.refresh_request(text(&token, "refresh_token")).send());
    within(peer.sandbox.wait_for_held(1)).await;
    held.abort();
    assert!(held.await.is_err());
    assert_eq!(peer.sandbox.release(), 1);
    // A request that comes late is carried out late.
    let carried_out = async {
        while peer.refreshes() == 0 {
            tokio::task::yield_now().await;
        }
    };
    within(carried_out).await;
}

#[tokio::test]
async fn a_delayed_request_is_carried_out() {
    let peer = Peer::hellosign().await;
    let token = peer.granted().await;
    for when in [When::Before, When::After] {
        let delay = Fault::Delay { milliseconds: 30, when };
        peer.sandbox.fail_next(delay);
        assert_eq!(peer.refresh(text(&token, "refresh_token")).await.status, 200);
    }
    assert_eq!(peer.refreshes(), 2);
}

#[tokio::test]
async fn a_fault_strikes_its_target_so_often() {
    let peer = Peer::hellosign().await;
    let token = peer.granted().await;
    let refresh_token = text(&token, "refresh_token");
    let unavailable = Fault::status(StatusCode::SERVICE_UNAVAILABLE);
    peer.sandbox.fail_next(unavailable.clone().on(Target::TokenRefresh).times(2));
    peer.sandbox.fail_next(unavailable.on(Target::Account));
    assert_eq!(peer.generate(&peer.code()).await.status, 200);
    assert_eq!(peer.refresh(refresh_token).await.status, 503);
    assert_eq!(peer.account(text(&token, "access_token")).await.status, 503);
    assert_eq!(peer.refresh(refresh_token).await.status, 503);
    assert_eq!(peer.refresh(refresh_token).await.status, 200);
    assert_eq!(peer.account(text(&token, "access_token")).await.status, 200);
    peer.sandbox.fail_next(Fault::Truncated.times(9));
    peer.sandbox.clear_faults();
    assert_eq!(peer.refresh(refresh_token).await.json()["token_type"], json!("Bearer"));
}
