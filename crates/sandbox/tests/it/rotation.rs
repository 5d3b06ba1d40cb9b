//! Rotation of refresh tokens over HTTP.

use std::time::Duration;

use countersign_sandbox::{Config, GrantStatus, Rotation};

use crate::support::{Peer, text};

#[tokio::test]
async fn strict_rotation_revokes_the_newest_tokens_on_reuse() {
    let peer = Peer::rfc6749().await;
    let first = peer.granted().await;
    let second = peer.refresh(text(&first, "refresh_token")).await.json();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(peer.account(text(&second, "access_token")).await.status, 200);
    assert_eq!(peer.sandbox.grants()[0].generation, 1);

    let reused = peer.refresh(text(&first, "refresh_token")).await;
    assert_eq!(reused.status, 400);
    assert_eq!(reused.json()["error"], "invalid_grant");
    assert_eq!(peer.account(text(&second, "access_token")).await.status, 401);
    assert_eq!(peer.refresh(text(&second, "refresh_token")).await.status, 400);
    assert_eq!(peer.sandbox.grants()[0].status, GrantStatus::Revoked);
}

#[tokio::test]
async fn of_parallel_refreshes_one_wins_and_loses_it_all() {
    let peer = Peer::rfc6749().await;
    let first = peer.granted().await;
    let requests: Vec<_> = (0..8)
        .map(|_| peer.refresh_request(text(&first, "refresh_token")).send())
        .map(tokio::spawn)
        .collect();
    let mut won = 0;
    for request in requests {
        let response = request.await.expect("joins").expect("answers");
        won += u32::from(response.status() == 200);
    }
    assert_eq!(won, 1);
    let grant = peer.sandbox.grants().remove(0);
    assert_eq!((grant.refreshes, grant.generation), (1, 1));
    assert_eq!(grant.counts.token_refresh, 8);
    assert!(!grant.is_alive());
}

#[tokio::test]
async fn grace_answers_again_with_the_same_successor_and_then_kills() {
    let window = Duration::from_secs(30);
    let peer = Peer::start(Config::rfc6749().rotation(Rotation::Grace { window })).await;
    let first = peer.granted().await;
    let second = peer.refresh(text(&first, "refresh_token")).await.json();
    peer.sandbox.advance(window - Duration::from_secs(1));
    let again = peer.refresh(text(&first, "refresh_token")).await.json();
    assert_eq!(again["refresh_token"], second["refresh_token"]);
    assert_eq!(peer.account(text(&again, "access_token")).await.status, 200);

    peer.sandbox.advance(Duration::from_secs(1));
    assert_eq!(peer.refresh(text(&first, "refresh_token")).await.status, 400);
    assert_eq!(peer.account(text(&again, "access_token")).await.status, 401);
    assert!(!peer.sandbox.grants()[0].is_alive());
}

#[tokio::test]
async fn a_revoked_grant_is_dead() {
    let peer = Peer::hellosign().await;
    let token = peer.granted().await;
    let other = peer.granted().await;
    let id = peer.sandbox.grants()[0].id;
    assert!(peer.sandbox.revoke(id));
    assert_eq!(peer.account(text(&token, "access_token")).await.status, 401);
    assert_eq!(peer.refresh(text(&token, "refresh_token")).await.json()["error"], "invalid_grant");
    assert_eq!(peer.account(text(&other, "access_token")).await.status, 200);
    assert!(!peer.sandbox.revoke(99.into()));
}
