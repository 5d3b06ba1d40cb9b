//! What a sealed store makes of what somebody did to its records.

use std::error::Error;

use countersign_tokens::{
    Adopt, GrantStore, KeyRing, MemoryStore, Payload, Reseal, SealedStore, StoreErrorKind,
};
use futures_lite::future::block_on;

use crate::world::{epoch, key, material};

fn ring(id: &str, byte: u8) -> KeyRing {
    KeyRing::new(id, [byte; 32]).expect("a ring")
}

fn sealed(inner: &MemoryStore, ring: KeyRing) -> SealedStore<MemoryStore> {
    SealedStore::new(inner.clone(), ring)
}

fn adopt(store: &dyn GrantStore, subject: &str) {
    let adopt = Adopt { epoch: epoch(), replaces: None, material: material("the token") };
    assert!(block_on(store.adopt(&key(subject), &adopt)).expect("adopted").is_accepted());
}

/// Puts other bytes in the place of a sealed payload.
fn tamper(inner: &MemoryStore, subject: &str, bytes: Vec<u8>, key_id: Option<&str>) {
    let record = block_on(inner.load(&key(subject))).expect("loaded").expect("a record");
    let reseal = Reseal {
        epoch: record.epoch,
        generation: record.generation,
        revision: record.revision,
        payload: Payload::new(bytes),
        key_id: key_id.map(str::to_owned),
    };
    assert!(block_on(inner.reseal(&key(subject), &reseal)).expect("resealed").is_accepted());
}

fn bytes(inner: &MemoryStore, subject: &str) -> Vec<u8> {
    let record = block_on(inner.load(&key(subject))).expect("loaded").expect("a record");
    record.payload.as_bytes().to_vec()
}

fn kind(store: &dyn GrantStore, subject: &str) -> StoreErrorKind {
    block_on(store.load(&key(subject))).expect_err("refused").kind()
}

#[test]
fn every_bit_and_every_byte_counts() {
    let inner = MemoryStore::new();
    let store = sealed(&inner, ring("1", 7));
    adopt(&store, "user");
    let whole = bytes(&inner, "user");
    assert!(!whole.windows(5).any(|it| it == b"token"));
    for index in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[index] ^= 1 << bit;
            tamper(&inner, "user", changed, Some("1"));
            let expected = match index {
                0 => StoreErrorKind::UnknownVersion,
                _ => StoreErrorKind::Unsealable,
            };
            assert_eq!(kind(&store, "user"), expected, "{index}");
        }
        tamper(&inner, "user", whole[..index].to_vec(), Some("1"));
        let expected =
            if index < 25 { StoreErrorKind::Damaged } else { StoreErrorKind::Unsealable };
        assert_eq!(kind(&store, "user"), expected, "{index}");
    }
    tamper(&inner, "user", whole, Some("1"));
    let record = block_on(store.load(&key("user"))).expect("opened").expect("a record");
    assert_eq!(record.payload.as_bytes(), b"the token");
}

#[test]
fn records_cannot_be_exchanged() {
    let inner = MemoryStore::new();
    let store = sealed(&inner, ring("1", 7));
    // In everything else the two are alike.
    let same = Adopt { epoch: epoch(), replaces: None, material: material("the token") };
    for subject in ["one", "other"] {
        assert!(block_on(store.adopt(&key(subject), &same)).expect("adopted").is_accepted());
    }
    tamper(&inner, "other", bytes(&inner, "one"), Some("1"));
    assert_eq!(kind(&store, "other"), StoreErrorKind::Unsealable);
    // Nor between two lives of one grant.
    let former = bytes(&inner, "one");
    let present = block_on(store.load(&key("one"))).expect("loaded").expect("a record");
    let next = Adopt {
        epoch: epoch(),
        replaces: Some(present.epoch),
        material: material("the next token"),
    };
    assert!(block_on(store.adopt(&key("one"), &next)).expect("adopted").is_accepted());
    tamper(&inner, "one", former, Some("1"));
    assert_eq!(kind(&store, "one"), StoreErrorKind::Unsealable);
}

#[test]
fn wrong_keys_are_told_apart() {
    let inner = MemoryStore::new();
    adopt(&sealed(&inner, ring("1", 7)), "user");
    assert_eq!(kind(&sealed(&inner, ring("1", 8)), "user"), StoreErrorKind::Unsealable);
    let error = block_on(sealed(&inner, ring("2", 7)).load(&key("user"))).expect_err("unknown");
    assert_eq!(error.kind(), StoreErrorKind::UnknownKey);
    assert!(error.source().expect("why").to_string().contains("`1`"));
    tamper(&inner, "user", b"in clear".to_vec(), None);
    let error = block_on(sealed(&inner, ring("1", 7)).load(&key("user"))).expect_err("in clear");
    assert_eq!(error.source().expect("why").to_string(), "the record is not sealed");
}

#[test]
fn keys_are_rotated() {
    let inner = MemoryStore::new();
    adopt(&sealed(&inner, ring("old", 7)), "user");
    let both = ring("new", 8).with_other("old", [7; 32]).expect("a ring");
    let store = sealed(&inner, both);
    // A process that has the new key, and seals with the old one still.
    let both = ring("old", 7).with_other("new", [8; 32]).expect("a ring");
    let before = sealed(&inner, both);
    assert!(block_on(store.load(&key("user"))).is_ok());
    assert!(block_on(store.seal_again(&key("user"))).expect("sealed"));
    assert!(!block_on(store.seal_again(&key("user"))).expect("sealed already"));
    assert!(block_on(before.load(&key("user"))).is_ok());
    let record = block_on(sealed(&inner, ring("new", 8)).load(&key("user")));
    let record = record.expect("opened").expect("a record");
    assert_eq!((record.payload.as_bytes(), record.generation), (&b"the token"[..], 1));
    assert_eq!(kind(&sealed(&inner, ring("old", 7)), "user"), StoreErrorKind::UnknownKey);
}

#[test]
fn no_file_of_a_sealed_store_holds_a_token() {
    use base64::Engine;
    let folder = tempfile::tempdir().expect("a folder");
    let grants = folder.path().join("grants");
    let files = countersign_tokens::FileStore::open(&grants).expect("a store");
    adopt(&SealedStore::new(files, ring("1", 7)), "user");
    let encoded = base64::engine::general_purpose::STANDARD.encode("the token");
    let mut seen = 0;
    for entry in std::fs::read_dir(&grants).expect("a folder") {
        let path = entry.expect("an entry").path();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        assert!(!text.contains("the token") && !text.contains(&encoded), "{}", path.display());
        seen += 1;
    }
    assert_eq!(seen, 2, "the grant's and the clock's");
}
