//! Counting is exact: by kind and by grant, whatever comes at once.

use countersign_sandbox::{Fault, When};

use crate::support::{Peer, client, send, text, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_requests_at_once_are_a_thousand() {
    let peer = Peer::hellosign().await;
    let (one, two) = (peer.granted().await, peer.granted().await);
    peer.sandbox.reset_counts();
    let requests: Vec<_> = (0..1000)
        .map(|n| match n % 4 {
            0 => peer.refresh_request(text(&one, "refresh_token")),
            1 => peer.refresh_request(text(&two, "refresh_token")),
            2 => peer.refresh_request("nobody's"),
            _ => peer
                .http
                .get(format!("{}/account", peer.sandbox.api_url()))
                .bearer_auth(text(&two, "access_token")),
        })
        .map(|request| tokio::spawn(request.send()))
        .collect();
    for request in requests {
        request.await.expect("joins").expect("answers");
    }
    let counts = peer.sandbox.counts();
    assert_eq!((counts.token_refresh, counts.account), (750, 250));
    assert_eq!((counts.token(), counts.api()), (750, 250));
    let grants = peer.sandbox.grants();
    assert_eq!((grants[0].counts.token_refresh, grants[0].counts.api), (250, 0));
    assert_eq!((grants[1].counts.token_refresh, grants[1].counts.api), (250, 250));
    assert_eq!((grants[0].refreshes, grants[1].refreshes), (250, 250));
    assert_eq!(counts.grant(grants[0].id), grants[0].counts);
}

#[tokio::test]
async fn every_kind_is_counted() {
    let peer = Peer::hellosign().await;
    let token = peer.granted().await;
    send(peer.http.get(peer.authorization_url())).await;
    send(peer.post("/oauth/authorize")).await;
    send(peer.post("/oauth/token")).await;
    peer.refresh(text(&token, "refresh_token")).await;
    peer.account(text(&token, "access_token")).await;
    send(peer.post("/oauth/revoke")).await;
    send(peer.post("/v3/account/create")).await;
    send(peer.post("/v3/account/verify")).await;
    send(peer.post("/_sandbox/trap")).await;
    send(peer.http.get(peer.sandbox.token_url())).await;
    let counts = peer.sandbox.counts();
    let by_kind = [
        counts.authorize,
        counts.consent,
        counts.token_generate,
        counts.token_refresh,
        counts.token_other,
        counts.revoke,
        counts.account,
        counts.account_create,
        counts.account_verify,
        counts.trap,
        counts.other,
    ];
    assert_eq!(by_kind, [1; 11]);
    let grant = counts.grants[&peer.sandbox.grants()[0].id];
    assert_eq!((grant.token_generate, grant.token_refresh, grant.api), (1, 1, 1));
}

#[tokio::test]
async fn a_code_is_counted_for_its_grant_however_often_it_comes() {
    let peer = Peer::hellosign().await;
    let code = peer.code();
    assert_eq!(peer.sandbox.grants()[0].counts.token_generate, 0);
    for _ in 0..3 {
        peer.generate(&code).await;
    }
    assert_eq!(peer.sandbox.grants()[0].counts.token_generate, 3);
}

#[tokio::test]
async fn an_old_refresh_token_is_counted_for_its_grant() {
    let peer = Peer::rfc6749().await;
    let first = peer.granted().await;
    peer.refresh(text(&first, "refresh_token")).await;
    peer.refresh(text(&first, "refresh_token")).await;
    assert_eq!(peer.sandbox.grants()[0].counts.token_refresh, 2);
}

#[tokio::test]
async fn connections_are_counted() {
    let peer = Peer::hellosign().await;
    assert_eq!(peer.sandbox.counts().connections, 0);
    peer.granted().await;
    peer.granted().await;
    assert_eq!(peer.sandbox.counts().connections, 1, "it was kept alive");
    send(client().get(peer.sandbox.origin())).await;
    assert_eq!(peer.sandbox.counts().connections, 2);
}

#[tokio::test]
async fn a_count_can_be_waited_for() {
    let peer = Peer::hellosign().await;
    peer.sandbox.fail_next(Fault::Hold { when: When::Before }.times(2));
    let requests = [peer.refresh_request("a"), peer.refresh_request("b")]
        .map(|request| tokio::spawn(request.send()));
    let counts = within(peer.sandbox.wait_for(|counts| counts.token_refresh == 2)).await;
    assert_eq!(counts.token_other, 0);
    within(peer.sandbox.wait_for_held(2)).await;
    peer.sandbox.release();
    for request in requests {
        request.await.expect("joins").expect("answers");
    }
}
