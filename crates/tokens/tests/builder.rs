//! What the builder of a manager refuses, and what it and the stores show of themselves.

#![cfg(feature = "threads")]

use std::error::Error;
use std::time::Duration;

use countersign_core::{Client, Provider};
use countersign_testkit::NeverTransport;
use countersign_testkit::steps::{put, record};
use countersign_tokens::{
    GrantKey, MemoryStore, StoreError, StoreErrorKind, ThreadExecutor, TokenErrorKind,
    TokenManager, TokenManagerBuilder,
};

fn builder() -> Result<TokenManagerBuilder, Box<dyn Error>> {
    let client = Client::builder(Provider::hellosign(), "client id")
        .secret("canary")
        .transport(NeverTransport::new())
        .build()?;
    Ok(TokenManager::builder(client, MemoryStore::new()).executor(ThreadExecutor))
}

#[test]
fn settings_that_no_manager_can_work_with_are_refused() -> Result<(), Box<dyn Error>> {
    let (second, least) = (Duration::from_secs(1), Duration::from_secs(30 + 5 + 5));
    let timed = || Ok::<_, Box<dyn Error>>(builder()?.store_timeout(Duration::from_secs(5)));
    for refused in [
        builder()?.refresh_ahead(0.0),
        builder()?.refresh_ahead(1.0),
        builder()?.refresh_ahead(f64::NAN),
        builder()?.max_requests(0),
        timed()?.lease(least),
    ] {
        let error = refused.build().err().ok_or("it was built")?;
        assert!(matches!(error.kind(), TokenErrorKind::Configuration(_)), "{error}");
    }
    builder()?.refresh_ahead(0.01).max_requests(1).build()?;
    builder()?.refresh_ahead(0.99).build()?;
    timed()?.lease(least + second).build()?;
    Ok(())
}

#[test]
fn g05_what_holds_tokens_shows_what_it_is_and_no_secret() -> Result<(), Box<dyn Error>> {
    let store = MemoryStore::new();
    let key = GrantKey::new("provider", "client", "user")?;
    let record = record("canary");
    futures_lite::future::block_on(put(&store, &key, &record))?;
    let tokens = builder()?.build()?;
    let own = tokens.key("user")?;
    for (shown, words) in [
        (format!("{:?}", builder()?), "client id"),
        (format!("{:?}", tokens.source(&own)?), "user"),
        (format!("{:?}", tokens.keep_fresh()?), "KeepFresh"),
        #[cfg(feature = "sealed")]
        (format!("{:?}", countersign_tokens::KeyRing::new("ring", [1; 32])?), "ring"),
        (format!("{store:?}"), "MemoryStore(1 records)"),
        (format!("{record:?}"), "Payload"),
        (format!("{key}, {key:?}"), key.as_str()),
        (StoreError::new(StoreErrorKind::Full).to_string(), "no room"),
    ] {
        assert!(shown.contains(words) && !shown.contains("canary"), "{shown}");
    }
    assert!(format!("{key:?}").contains("user"));
    Ok(())
}
