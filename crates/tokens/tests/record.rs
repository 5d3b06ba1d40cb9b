//! Records, their times and their pages, as stores and operators see them.

use std::time::Duration;

use countersign_testkit::steps::{attempt, record};
use countersign_tokens::{Attempt, GrantKey, Page, Record, StoreTime};

#[test]
fn g10_a_lease_is_over_at_its_end() {
    let (start, lease) = (StoreTime::from_millis(1000), Duration::from_millis(500));
    let one = Attempt { id: attempt(), at: start, lease_until: start };
    let other = Attempt { id: attempt(), at: start, lease_until: start.plus(lease) };
    let record = Record { attempts: vec![other, one], ..record("tokens") };
    assert!(record.is_leased(StoreTime::from_millis(1499)));
    assert!(!record.is_leased(StoreTime::from_millis(1500)));
}

#[test]
fn times_are_bounded_in_place_of_overflowing() {
    let (time, second) = (StoreTime::from_millis(1_700_000_000_000), Duration::from_secs(1));
    assert_eq!(time.plus(second).as_millis(), 1_700_000_001_000);
    assert_eq!(time.minus(second).as_millis(), 1_699_999_999_000);
    assert_eq!(
        (time.since(time.minus(second)), time.minus(second).since(time)),
        (second, Duration::ZERO)
    );
    let (first, last) = (StoreTime::from_millis(i64::MIN), StoreTime::from_millis(i64::MAX));
    assert_eq!((first.minus(second), last.plus(Duration::MAX)), (first, last));
}

#[test]
fn g05_a_page_shows_its_keys_and_no_payload() -> Result<(), Box<dyn std::error::Error>> {
    let key = GrantKey::new("provider", "client", "user 42")?;
    let mut page = Page::<GrantKey>::new(StoreTime::default());
    page.push(key.as_str(), &record("canary").encode(&key)?, |key| key);
    page.push("no key", b"", |key| key);
    let shown = format!("{page:?}");
    assert!(shown.contains("user 42") || shown.contains("user%2042"), "{shown}");
    assert!(shown.contains("no key") && !shown.contains("canary"), "{shown}");
    Ok(())
}

#[test]
fn a_record_that_cannot_be_read_says_what_is_wrong_with_it()
-> Result<(), Box<dyn std::error::Error>> {
    let key = GrantKey::new("provider", "client", "user")?;
    let bytes = record("canary").encode(&key)?;
    for (bytes, words) in [
        (&bytes[..bytes.len() / 2], "ends too early"),
        (b"{]".as_slice(), "not JSON"),
        (br#"{"format":2}"#.as_slice(), "a member is missing"),
    ] {
        let error = Record::decode(&key, bytes).err().ok_or("it was read")?;
        let source = std::error::Error::source(&error).ok_or("it says no more")?.to_string();
        assert!(source.contains(words) && !source.contains("canary"), "{source}");
    }
    Ok(())
}
