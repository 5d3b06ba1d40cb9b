//! A store of your own, over the embedded database redb.
//!
//! `cargo run --example custom_store` writes a record, replaces it, and shows what a late swap learns.
//! The store itself is in the guide "Bring your own store" in the documentation of `countersign`.
//! `custom_store/conformance.rs` tests it by the rules that every store keeps.

#[path = "../crates/countersign/guide/custom_store.rs"]
mod store;

use std::error::Error;
use std::sync::Arc;

use countersign_tokens::{Epoch, GrantKey, GrantState, GrantStore, Payload, Record, Swap, Version};
use redb::Database;
use redb::backends::InMemoryBackend;

use crate::store::RedbStore;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // In memory, so that the example leaves no file. A program uses `Database::create(path)`.
    let database = Database::builder().create_with_backend(InMemoryBackend::new())?;
    let store = RedbStore(Arc::new(database));
    let key = GrantKey::new("hellosign", "client", "user 42")?;

    let tombstone = Record::tombstone(Epoch::random()?, 1, Version::random()?);
    let first = Record {
        state: GrantState::Live,
        payload: Payload::new(b"tokens".to_vec()),
        ..tombstone.clone()
    };
    println!("write: {:?}", store.swap(&key, None, Some(&first)).await?);
    let second = Record { version: Version::random()?, ..first.clone() };
    println!("replace: {:?}", store.swap(&key, Some(first.version), Some(&second)).await?);
    // The first version is gone, so a process that still expects it learns what is there.
    let late = Record { version: Version::random()?, ..tombstone };
    match store.swap(&key, Some(first.version), Some(&late)).await? {
        Swap::Done(_) => println!("the late swap was done"),
        Swap::Conflict(present) => println!("the late swap conflicts: {present:?}"),
    }
    println!("list: {:?}", store.list(None, 10).await?);
    Ok(())
}
