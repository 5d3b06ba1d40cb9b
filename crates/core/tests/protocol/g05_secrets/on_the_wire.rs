//! Where secrets go in a request, and how the request shows itself.

use countersign_core::{ClientAuthentication, Provider};
use http::header::AUTHORIZATION;

use super::canaries::{CODE, REFRESH, Search, drawn, tokens, world};
use crate::support::{callback, now, parameter, refresh_token, rfc6749, state_of};

#[test]
fn g05_no_secret_is_in_a_url() {
    for provider in [rfc6749(), Provider::hellosign()] {
        let world = world(provider);
        let flow = world.begin();
        let search = Search::of(&flow);
        let url = flow.authorization_url().to_owned();
        assert_eq!(parameter(&url, "state").as_deref(), Some(drawn(&flow)[0].as_str()));
        assert!(drawn(&flow)[1..].iter().all(|verifier| !url.contains(verifier)));
        search.text("authorization URL", &url.replace(&state_of(&flow), ""));

        let callback = callback(&[("code", CODE), ("state", &state_of(&flow))]);
        world.transport.answer(200, tokens());
        world.transport.answer(200, tokens());
        now(flow.complete(&callback, &world.browser)).expect("tokens");
        now(world.client.refresh(&refresh_token(REFRESH))).expect("tokens");
        for request in world.requests() {
            search.text("request URL", &request.uri.to_string());
        }
    }
}

#[test]
fn g05_a_request_shows_no_secret() {
    let methods = [
        ClientAuthentication::Basic,
        ClientAuthentication::BasicUnencoded,
        ClientAuthentication::RequestBody,
    ];
    for method in methods {
        let world = world(rfc6749().with_client_authentication(method));
        let flow = world.begin();
        let mut search = Search::of(&flow);
        let callback = callback(&[("code", CODE), ("state", &state_of(&flow))]);
        world.transport.answer(200, tokens());
        now(flow.complete(&callback, &world.browser)).expect("tokens");
        for recorded in world.requests() {
            search.debug(&recorded);
            let basic = recorded.headers.get(AUTHORIZATION);
            assert!(basic.is_none_or(http::HeaderValue::is_sensitive));
            let mut request = http::Request::new(recorded.body);
            *request.headers_mut() = recorded.headers;
            search.debug(&request);
        }
    }
}
