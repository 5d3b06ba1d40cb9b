//! Starting and stopping.

use std::net::Ipv4Addr;

use countersign_sandbox::{ClientRegistration, Config, Fault, Sandbox, StartError, When};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::runtime::Handle;

use crate::support::{Peer, text, within};

#[tokio::test]
async fn stopping_closes_everything() {
    let peer = Peer::hellosign().await;
    let token = peer.granted().await;
    let address = peer.sandbox.origin().trim_start_matches("http://").to_owned();
    let mut idle = TcpStream::connect(&address).await.expect("connects");
    within(peer.sandbox.wait_for(|counts| counts.connections == 2)).await;
    peer.sandbox.fail_next(Fault::Hold { when: When::Before });
    let held = tokio::spawn(peer.refresh_request(text(&token, "refresh_token")).send());
    within(peer.sandbox.wait_for_held(1)).await;

    peer.sandbox.stop().await;
    assert_eq!(within(idle.read(&mut [0; 1])).await.expect("a clean close"), 0);
    assert!(within(held).await.expect("joins").is_err());
    assert!(TcpStream::connect(&address).await.is_err());
    let again = Config::hellosign()
        .port(address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port"));
    Sandbox::start(again).await.expect("the port is free").stop().await;
}

#[tokio::test]
async fn what_is_held_when_it_stops_is_not_answered() {
    for _ in 0..50 {
        let peer = Peer::hellosign().await;
        peer.sandbox.fail_next(Fault::Hold { when: When::Before });
        let held = tokio::spawn(peer.refresh_request("x").send());
        within(peer.sandbox.wait_for_held(1)).await;
        peer.sandbox.stop().await;
        assert!(within(held).await.expect("joins").is_err());
    }
}

#[tokio::test]
async fn no_task_outlives_it() {
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let peer = Peer::hellosign().await;
    peer.granted().await;
    for when in [When::Before, When::After] {
        peer.sandbox.fail_next(Fault::Hold { when });
        peer.sandbox.fail_next(Fault::Delay { milliseconds: 3_600_000, when });
    }
    let requests: Vec<_> = (0..4).map(|_| tokio::spawn(peer.refresh_request("x").send())).collect();
    within(peer.sandbox.wait_for(|counts| counts.token_refresh == 4)).await;
    assert!(tasks() > before + 4);
    let Peer { sandbox, http, .. } = peer;
    sandbox.stop().await;
    drop(http);
    for request in requests {
        assert!(within(request).await.expect("joins").is_err());
    }
    let ended = async {
        while tasks() > before {
            tokio::task::yield_now().await;
        }
    };
    within(ended).await;
}

#[tokio::test]
async fn dropping_stops_too() {
    let peer = Peer::hellosign().await;
    let address = peer.sandbox.origin().trim_start_matches("http://").to_owned();
    let mut idle = TcpStream::connect(&address).await.expect("connects");
    within(peer.sandbox.wait_for(|counts| counts.connections == 1)).await;
    drop(peer);
    assert_eq!(within(idle.read(&mut [0; 1])).await.expect("a clean close"), 0);
}

#[tokio::test]
async fn only_loopback_is_listened_on() {
    for address in [Ipv4Addr::UNSPECIFIED, Ipv4Addr::new(192, 0, 2, 1)] {
        let started = Sandbox::start(Config::hellosign().address(address.into())).await;
        assert!(matches!(started, Err(StartError::NotLoopback(_))));
    }
}

#[tokio::test]
async fn a_taken_port_and_a_wrong_redirect_uri_are_told() {
    let peer = Peer::hellosign().await;
    let port = peer.sandbox.origin().rsplit(':').next().and_then(|port| port.parse().ok());
    let taken = Sandbox::start(Config::hellosign().port(port.expect("a port"))).await;
    assert!(matches!(taken, Err(StartError::Listen { .. })));
    let client = ClientRegistration::public("x").redirect_uri("http://h/#fragment");
    let wrong = Sandbox::start(Config::hellosign().client(client)).await;
    assert!(matches!(wrong, Err(StartError::RedirectUri(_))));
}
