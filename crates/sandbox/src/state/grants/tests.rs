use std::time::Duration;

use super::*;
use crate::config::Rotation;

const NOW: SinceEpoch = Duration::from_secs(1_000);
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn approval() -> Approval {
    Approval {
        account: "a@b.example".to_owned(),
        client_id: "id".to_owned(),
        asked_scope: Some("read write".to_owned()),
        scope: Some("read".to_owned()),
        redirect_uri: Some("http://127.0.0.1/cb".to_owned()),
        code_challenge: Some(CHALLENGE.to_owned()),
    }
}

fn fresh(n: u32) -> FreshTokens {
    FreshTokens { access_token: format!("a{n}"), refresh_token: format!("r{n}") }
}

fn code_request() -> CodeRequest<'static> {
    CodeRequest {
        client_id: "id",
        code: "code",
        redirect_uri: Some("http://127.0.0.1/cb"),
        code_verifier: Some(VERIFIER),
    }
}

fn approved(config: &Config) -> Grants {
    let mut grants = Grants::default();
    grants.approve(approval(), "code".to_owned(), config, NOW);
    grants
}

fn active(config: &Config) -> Grants {
    let mut grants = approved(config);
    assert!(grants.exchange(&code_request(), config, NOW, fresh(0)).is_ok());
    grants
}

fn refresh(grants: &mut Grants, token: &str, n: u32, config: &Config) -> Result<Issued, Refusal> {
    let request = RefreshRequest { client_id: Some("id"), refresh_token: token, scope: None };
    grants.refresh(&request, config, NOW, fresh(n))
}

fn is_code_refusal<T>(answer: &Result<T, Refusal>) -> bool {
    matches!(answer, Err(Refusal::Code(_)))
}

#[test]
fn a_code_works_once() {
    for config in [Config::hellosign(), Config::rfc6749()] {
        let mut grants = active(&config);
        let again = grants.exchange(&code_request(), &config, NOW, fresh(1));
        assert!(is_code_refusal(&again));
    }
}

#[test]
fn reuse_of_a_code_revokes_only_in_the_rfc_dialect() {
    for (config, alive) in [(Config::hellosign(), true), (Config::rfc6749(), false)] {
        let mut grants = active(&config);
        assert!(grants.bearer("a0", NOW).is_some());
        let _ = grants.exchange(&code_request(), &config, NOW, fresh(1));
        assert_eq!(grants.bearer("a0", NOW).is_some(), alive);
        assert_eq!(refresh(&mut grants, "r0", 2, &config).is_ok(), alive);
    }
}

#[test]
fn a_code_ends_with_its_lifetime() {
    let config = Config::rfc6749();
    for (age, works) in [(59, true), (60, false)] {
        let then = NOW + Duration::from_secs(age);
        let answer = approved(&config).exchange(&code_request(), &config, then, fresh(0));
        assert_eq!(answer.is_ok(), works, "{age}");
    }
}

#[test]
fn a_wrong_request_does_not_spend_the_code() {
    let config = Config::rfc6749();
    let mut grants = approved(&config);
    for wrong in [
        CodeRequest { client_id: "other", ..code_request() },
        CodeRequest { code_verifier: Some("wrong"), ..code_request() },
        CodeRequest { code_verifier: None, ..code_request() },
        CodeRequest { redirect_uri: None, ..code_request() },
        CodeRequest { redirect_uri: Some("http://127.0.0.1/other"), ..code_request() },
    ] {
        assert!(is_code_refusal(&grants.exchange(&wrong, &config, NOW, fresh(9))));
    }
    assert!(grants.exchange(&code_request(), &config, NOW, fresh(0)).is_ok());
}

#[test]
fn scope_is_told_where_it_differs() {
    let config = Config::rfc6749();
    let issued = approved(&config).exchange(&code_request(), &config, NOW, fresh(0));
    assert_eq!(issued.ok().and_then(|issued| issued.scope).as_deref(), Some("read"));
    let same = Approval { asked_scope: Some("read".to_owned()), ..approval() };
    let issued = Grants::default().issue(same, &config, NOW, fresh(0));
    assert_eq!(issued.scope, None);
}

#[test]
fn without_rotation_the_refresh_token_stays() {
    let config = Config::hellosign();
    let mut grants = active(&config);
    for n in 1..4 {
        let issued = refresh(&mut grants, "r0", n, &config).ok();
        assert_eq!(issued.map(|issued| issued.refresh_token).as_deref(), Some("r0"));
    }
    let info = grants.infos(&Counts::default()).remove(0);
    assert_eq!((info.generation, info.refreshes), (0, 3));
}

#[test]
fn strict_rotation_kills_the_family_on_reuse() {
    let config = Config::rfc6749();
    let mut grants = active(&config);
    assert!(refresh(&mut grants, "r0", 1, &config).is_ok());
    assert!(grants.bearer("a1", NOW).is_some());
    assert!(refresh(&mut grants, "r0", 2, &config).is_err());
    assert!(grants.bearer("a1", NOW).is_none());
    assert!(refresh(&mut grants, "r1", 3, &config).is_err());
}

#[test]
fn grace_repeats_the_same_successor() {
    let config = Config::rfc6749().rotation(Rotation::Grace { window: Duration::from_secs(9) });
    let mut grants = active(&config);
    for n in 1..3 {
        let issued = refresh(&mut grants, "r0", n, &config).ok();
        assert_eq!(issued.map(|issued| issued.refresh_token).as_deref(), Some("r1"));
    }
    let info = grants.infos(&Counts::default()).remove(0);
    assert_eq!((info.generation, info.refreshes), (1, 2));
    assert!(refresh(&mut grants, "r1", 3, &config).is_ok(), "the successor works");
    assert!(refresh(&mut grants, "r0", 4, &config).is_err(), "a grandparent does not");
    assert!(refresh(&mut grants, "r3", 5, &config).is_err(), "and has killed the family");
}

#[test]
fn spent_refresh_tokens_are_counted_when_they_come_again() {
    let grace = Rotation::Grace { window: Duration::from_secs(9) };
    for (rotation, replays, reuses) in
        [(Rotation::Never, 0, 0), (Rotation::Strict, 0, 3), (grace, 3, 0)]
    {
        let config = Config::rfc6749().rotation(rotation);
        let mut grants = active(&config);
        for n in 1..=4 {
            let _ = refresh(&mut grants, "r0", n, &config);
        }
        let info = grants.infos(&Counts::default()).remove(0);
        assert_eq!((info.replays, info.reuses), (replays, reuses), "{rotation:?}");
    }
}

#[test]
fn the_current_refresh_token_of_a_revoked_grant_is_not_spent() {
    let config = Config::rfc6749();
    let mut grants = active(&config);
    assert!(grants.revoke(GrantId::nth(0)));
    assert!(refresh(&mut grants, "r0", 1, &config).is_err());
    assert_eq!(grants.infos(&Counts::default()).remove(0).reuses, 0);
}

#[test]
fn the_end_of_each_access_token_is_known() {
    let config = Config::hellosign();
    let mut grants = active(&config);
    assert!(refresh(&mut grants, "r0", 1, &config).is_ok());
    assert!(grants.revoke_token("id", "a0").is_ok());
    let mut ends: Vec<_> = grants.ends().collect();
    ends.sort();
    let end = NOW + Duration::from_secs(3_600);
    assert_eq!(ends, [("a0", end), ("a1", end)]);
}

#[test]
fn an_access_token_expires() {
    let config = Config::hellosign();
    let grants = active(&config);
    assert_eq!(grants.bearer("a0", NOW + Duration::from_secs(3_599)), Some("a@b.example"));
    assert_eq!(grants.bearer("a0", NOW + Duration::from_secs(3_600)), None);
}

#[test]
fn a_refresh_may_not_ask_for_more() {
    let config = Config::rfc6749();
    let mut grants = active(&config);
    let mut ask = |scope| {
        let request =
            RefreshRequest { client_id: Some("id"), refresh_token: "r0", scope: Some(scope) };
        grants.refresh(&request, &config, NOW, fresh(1)).err()
    };
    assert_eq!(ask("write"), Some(Refusal::Scope));
    assert_eq!(ask("read"), None, "and asking for too much has not rotated");
}

#[test]
fn a_refresh_token_is_bound_to_its_client() {
    let config = Config::rfc6749();
    let mut grants = active(&config);
    let request = RefreshRequest { client_id: Some("other"), refresh_token: "r0", scope: None };
    assert_eq!(grants.refresh(&request, &config, NOW, fresh(1)).err(), Some(Refusal::RefreshToken));
    assert!(refresh(&mut grants, "r0", 1, &config).is_ok());
}
