//! How an answer that says success is read (RFC 6749 section 5.1).

use countersign_core::{
    Body, Error, ErrorKind, ExposeSecret, Leniency, Provider, Recovery, Rotation, TokenSet,
};
use http::{HeaderValue, Response};

use crate::support::{World, access, now, refresh, refresh_token, rfc6749};

/// What a refresh and a code exchange make of the same answer.
fn read(body: &str) -> Result<TokenSet, Error> {
    let world = World::rfc6749();
    let completed = world.complete(200, body);
    let refreshed = world.refresh(200, body);
    assert_eq!(completed.is_ok(), refreshed.is_ok(), "{body}");
    if let (Err(one), Err(other)) = (&completed, &refreshed) {
        assert_eq!((one.kind(), one.to_string()), (other.kind(), other.to_string()));
        assert_eq!(one.recovery(), Recovery::Reauthorize, "a code may be spent");
        assert_eq!(other.recovery(), Recovery::OutcomeUnknown, "and so may a refresh token");
    }
    completed.map(|flow| flow.tokens().clone())
}

/// A good answer with these members in it.
fn with(members: &str) -> TokenSet {
    let body = format!(r#"{{"access_token":"at","token_type":"Bearer",{members}}}"#);
    read(&body).expect(members)
}

fn malformed(body: &str) -> String {
    let error = read(body).expect_err(body);
    assert_eq!(error.kind(), ErrorKind::ResponseMalformed, "{body}");
    assert_eq!(error.http().expect("an answer").status(), 200);
    assert_eq!(error.http().and_then(|http| http.excerpt()), None, "it may hold tokens");
    error.to_string()
}

#[test]
fn what_is_no_json_object_is_malformed() {
    for body in [
        "",
        " ",
        "null",
        "true",
        "7",
        "\"at\"",
        "[]",
        r#"[{"access_token":"at","token_type":"Bearer"}]"#,
        "<html>Welcome</html>",
        "access_token=at&token_type=Bearer",
        r#"{"access_token":"at","token_type":"Bearer""#,
        r#"{"access_token":"at","token_type":"Bearer"} {}"#,
        r#"{"access_token":"at","token_type":"Bearer",}"#,
        "\u{feff}{}",
    ] {
        malformed(body);
    }
    malformed(&"[".repeat(10_000));
    malformed(&r#"{"a":"#.repeat(10_000));
}

#[test]
fn bytes_that_are_no_utf_8_are_malformed() {
    let world = World::rfc6749();
    let body = b"{\"access_token\":\"a\xff\",\"token_type\":\"Bearer\"}".to_vec();
    world.transport.answer(200, body);
    let error = now(world.client.refresh(&refresh_token("rt"))).expect_err("not UTF-8");
    assert_eq!(error.kind(), ErrorKind::ResponseMalformed);
}

#[test]
fn an_access_token_is_text() {
    assert!(malformed(r#"{"token_type":"Bearer"}"#).contains("no `access_token`"));
    for value in ["null", "\"\"", "7", "1.5", "true", "[\"at\"]", "{\"value\":\"at\"}"] {
        let body = format!(r#"{{"access_token":{value},"token_type":"Bearer"}}"#);
        assert!(malformed(&body).contains("access_token"), "{value}");
    }
}

#[test]
fn a_token_is_printable_ascii() {
    for token in ["a\\r\\nX-Header: 1", "a\\u0000", "a\\u007f", "é", "a\\t", "\u{2028}"] {
        let access = format!(r#"{{"access_token":"{token}","token_type":"Bearer"}}"#);
        assert!(malformed(&access).contains("`access_token`"), "{token}");
        let refresh =
            format!(r#"{{"access_token":"at","token_type":"Bearer","refresh_token":"{token}"}}"#);
        assert!(malformed(&refresh).contains("`refresh_token`"), "{token}");
    }
    malformed(r#"{"access_token":"a b","token_type":"Bearer"}"#);
    assert_eq!(refresh(&with(r#""refresh_token":"a b""#)), Some("a b"), "RFC 6749 appendix A.17");
    let all: String = (0x21..=0x7e_u8).map(char::from).collect();
    let body = serde_json::json!({ "access_token": all, "token_type": "Bearer" }).to_string();
    assert_eq!(access(&read(&body).expect("printable")), all);
}

#[test]
fn a_refresh_token_is_text_when_it_is_there() {
    for value in ["7", "true", "[]", "{}"] {
        let body =
            format!(r#"{{"access_token":"at","token_type":"Bearer","refresh_token":{value}}}"#);
        assert!(malformed(&body).contains("refresh_token"), "{value}");
    }
}

#[test]
fn a_success_with_an_error_in_it_is_a_refusal() {
    for (body, kind) in [
        (r#"{"error":"invalid_grant"}"#, ErrorKind::ServerRefused),
        (r#"{"error":{"error_name":"bad_request","error_msg":"no"}}"#, ErrorKind::ServerRefused),
        (r#"{"error":"x","access_token":"at","token_type":"Bearer"}"#, ErrorKind::ServerRefused),
        (r#"{"error":7,"access_token":"at","token_type":"Bearer"}"#, ErrorKind::ResponseMalformed),
        (r#"{"error":{},"access_token":"at","token_type":"Bearer"}"#, ErrorKind::ResponseMalformed),
    ] {
        for result in [
            World::rfc6749().complete(200, body).map(drop),
            World::rfc6749().refresh(200, body).map(drop),
        ] {
            assert_eq!(result.expect_err(body).kind(), kind, "{body}");
        }
    }
    for nothing in ["null", "\"\""] {
        with(&format!(r#""error":{nothing}"#));
    }
}

#[test]
fn only_bearer_tokens_are_known() {
    for bearer in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        read(&format!(r#"{{"access_token":"at","token_type":"{bearer}"}}"#)).expect(bearer);
    }
    for other in ["mac", "DPoP", "N_A", "Bearer ", "Bearer token"] {
        let body = format!(r#"{{"access_token":"at","token_type":"{other}"}}"#);
        assert!(malformed(&body).contains("token_type"), "{other}");
    }
    for value in ["7", "true", "[\"Bearer\"]", "{}"] {
        let body = format!(r#"{{"access_token":"at","token_type":{value}}}"#);
        assert!(malformed(&body).contains("token_type"), "{value}");
    }
}

#[test]
fn a_missing_token_type_is_forgiven_by_leniency_alone() {
    let lenient = rfc6749().with_leniency(Leniency::default().with_missing_token_type(true));
    for body in [
        r#"{"access_token":"at"}"#,
        r#"{"access_token":"at","token_type":null}"#,
        r#"{"access_token":"at","token_type":""}"#,
    ] {
        assert!(malformed(body).contains("no `token_type`"));
        for provider in [lenient.clone(), Provider::hellosign()] {
            assert!(World::at(provider).refresh(200, body).is_ok(), "{body}");
        }
    }
    let mac = World::at(lenient).refresh(200, r#"{"access_token":"at","token_type":"mac"}"#);
    assert_eq!(mac.expect_err("unknown").kind(), ErrorKind::ResponseMalformed);
}

#[test]
fn each_member_that_counts_stands_there_once() {
    for (name, value) in [
        ("access_token", "\"at\""),
        ("token_type", "\"Bearer\""),
        ("refresh_token", "\"rt\""),
        ("expires_in", "3600"),
        ("scope", "\"a\""),
        ("state", "\"s\""),
        ("error", "null"),
    ] {
        let body = format!(
            r#"{{"access_token":"at","token_type":"Bearer","{name}":{value},"{name}":{value}}}"#
        );
        malformed(&body);
        // The same name, spelt otherwise.
        let spelt = format!("\\u{:04x}{}", u32::from(name.as_bytes()[0]), &name[1..]);
        let body = format!(
            r#"{{"access_token":"at","token_type":"Bearer","{name}":{value},"{spelt}":{value}}}"#
        );
        malformed(&body);
    }
}

#[test]
fn optional_members_that_are_null_or_empty_count_as_absent() {
    for nothing in ["null", "\"\""] {
        let tokens = with(&format!(
            r#""refresh_token":{nothing},"expires_in":{nothing},"scope":{nothing},"state":{nothing}"#
        ));
        assert_eq!(refresh(&tokens), None);
        assert_eq!(tokens.expires_at(), None);
        assert_eq!(tokens.scopes(), None);
        assert!(tokens.extra().is_empty());
    }
    assert_eq!(with(r#""scope":[]"#).scopes(), None);
    assert_eq!(with(r#""scope":7"#).scopes(), None);
}

#[test]
fn expires_in_is_read_however_it_is_spelt() {
    for (spelt, seconds) in [
        ("3600", Some(3600)),
        ("\"3600\"", Some(3600)),
        ("\" 3600 \"", Some(3600)),
        ("3600.0", Some(3600)),
        ("3600.9", Some(3600)),
        ("\"3600.9\"", Some(3600)),
        ("3.6e3", Some(3600)),
        ("0", Some(0)),
        ("-1", Some(0)),
        ("true", None),
        ("[3600]", None),
        ("{}", None),
        ("\"an hour\"", None),
    ] {
        let tokens = with(&format!(r#""expires_in":{spelt}"#));
        let lifetime = tokens.expires_at().map(|end| (end - tokens.requested_at()).whole_seconds());
        assert_eq!(lifetime, seconds, "{spelt}");
    }
}

#[test]
fn scopes_are_a_string_or_an_array() {
    for (scope, scopes) in [
        (r#""a""#, vec!["a"]),
        (r#""a b""#, vec!["a", "b"]),
        (r#"" a  b ""#, vec!["a", "b"]),
        (r#"["a","b"]"#, vec!["a", "b"]),
        (r#"["a b",7,null,"c"]"#, vec!["a", "b", "c"]),
    ] {
        let tokens = with(&format!(r#""scope":{scope}"#));
        let granted = tokens.scopes().expect("told");
        assert_eq!(granted.iter().collect::<Vec<_>>(), scopes, "{scope}");
    }
}

#[test]
fn members_without_a_name_here_are_kept() {
    let tokens = with(r#""account_id":"a1","id_token":"x.y.z","deep":{"a":[1,null]},"n":null"#);
    let extra = tokens.extra();
    assert_eq!(extra.get("account_id").and_then(|it| it.as_str()), Some("a1"));
    assert_eq!(extra.get("deep"), Some(&serde_json::json!({ "a": [1, null] })));
    assert_eq!(extra.iter().count(), 4);
    assert_eq!(extra.get("access_token"), None);
}

#[test]
fn the_content_type_is_not_looked_at() {
    for content_type in [None, Some("text/plain"), Some("text/html"), Some("nonsense")] {
        let world = World::rfc6749();
        let body = br#"{"access_token":"at","token_type":"Bearer"}"#.to_vec();
        let mut response = Response::new(Body::from(body));
        if let Some(content_type) = content_type {
            let value = HeaderValue::from_static(content_type);
            response.headers_mut().insert("content-type", value);
        }
        world.transport.respond(response);
        assert!(now(world.client.refresh(&refresh_token("rt"))).is_ok(), "{content_type:?}");
    }
}

#[test]
fn any_status_of_success_will_do() {
    for status in [200, 201, 203, 299] {
        let body = r#"{"access_token":"at","token_type":"Bearer"}"#;
        assert!(World::rfc6749().complete(status, body).is_ok(), "{status}");
    }
}

#[test]
fn a_refresh_answer_without_a_refresh_token_keeps_the_old_one() {
    for member in ["", r#","refresh_token":null"#, r#","refresh_token":"""#] {
        let body = format!(r#"{{"access_token":"new","token_type":"Bearer"{member}}}"#);
        let world = World::rfc6749();
        let tokens = world.refresh(200, &body).expect("tokens");
        assert_eq!((access(&tokens), refresh(&tokens)), ("new", Some("rt")));

        let expired = world.expired();
        world.transport.answer(200, body);
        let flow = now(expired.refresh()).expect("tokens");
        assert!(!flow.rotated());
        assert_eq!(refresh(flow.tokens()), Some("rt"));
    }
}

#[test]
fn a_refresh_answer_with_a_refresh_token_replaces_the_old_one() {
    for (sent, rotated) in [("rt", false), ("rt2", true)] {
        let world = World::at(rfc6749().with_rotation(Rotation::Strict));
        let expired = world.expired();
        let body =
            format!(r#"{{"access_token":"new","token_type":"Bearer","refresh_token":"{sent}"}}"#);
        world.transport.answer(200, body);
        let flow = now(expired.refresh()).expect("tokens");
        assert_eq!((flow.rotated(), refresh(flow.tokens())), (rotated, Some(sent)));

        world.transport.answer(200, r#"{"access_token":"newer","token_type":"Bearer"}"#);
        let flow = now(flow.expire().refresh()).expect("tokens");
        assert_eq!(refresh(flow.tokens()), Some(sent), "the newest is sent and kept");
        assert_eq!(flow.access_token().expose_secret(), "newer");
    }
}

#[test]
fn scopes_other_than_those_asked_for_can_be_seen() {
    let world = World::rfc6749();
    let flow = world.client.authorize(&world.browser).scopes(["a", "b"]).begin().expect("a flow");
    assert_eq!(flow.state().scopes().expect("asked").as_str(), "a b");
    let flow = world.complete(200, r#"{"access_token":"at","token_type":"Bearer","scope":"a"}"#);
    assert_eq!(flow.expect("tokens").tokens().scopes().expect("granted").as_str(), "a");
}

#[test]
fn scopes_that_a_refresh_does_not_tell_of_are_unchanged() {
    let world = World::rfc6749();
    let body = r#"{"access_token":"at","token_type":"Bearer","scope":"a b","refresh_token":"rt"}"#;
    for (answered, scopes) in [("", "a b"), (r#","scope":"a""#, "a")] {
        let expired = world.complete(200, body).expect("tokens").expire();
        let body = format!(r#"{{"access_token":"new","token_type":"Bearer"{answered}}}"#);
        world.transport.answer(200, body);
        let flow = now(expired.refresh()).expect("tokens");
        assert_eq!(flow.tokens().scopes().expect("granted").as_str(), scopes);
    }
}
