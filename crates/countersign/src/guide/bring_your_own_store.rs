//! Keep grants in a database of your own: implement four methods, and let a test suite check them.
//!
//! A `GrantStore` is a compare-and-swap over one record for each key. This one uses the embedded
//! database redb:
//!
//! ```text
#![doc = include_str!("../../guide/custom_store.rs")]
//! ```
//!
//! # What a store does
//!
//! A store keeps the bytes of `Record::encode` under the text of the key. Beside them it keeps
//! `due_at` in an index, and `version` in a column if the database is to compare it. A store knows no
//! rule of the refresh protocol: `TokenManager` decides what to write, and the store writes the record
//! or reports a conflict.
//!
//! | method | returns |
//! |---|---|
//! | `load` | the record of a key |
//! | `swap` | whether the record had the expected version and was replaced or removed |
//! | `due` | the records that are due within a time, the earliest first |
//! | `list` | all records, in the order of the bytes of their keys |
//! | `changed` | when a record may have changed. Optional: callers also poll |
//!
//! # What to look at
//!
//! * **One atomic step.** Compare and write in one transaction, or in one statement. Two callers that
//!   expect the same version must not both succeed.
//! * **Repeats.** The answer to a swap can be lost, and the caller then repeats the swap. If the
//!   record already has the version of `next`, return `Swap::Done` and write nothing.
//! * **Conflicts.** Read the record of a conflict after the comparison failed. A statement that reads
//!   a snapshot from before the comparison shows a record that is already replaced.
//! * **Durability.** After `Swap::Done` the record must survive a crash. Turn off asynchronous
//!   commits, expiry and eviction.
//! * **Time.** Return the store's own clock with each answer. All processes must see the same clock,
//!   so use that of the database server, or that of the machine if the processes share one. Read it
//!   no later than the record: it may be early, never late. The wall clock of this example moves the
//!   leases when it is set. `BootTime` reads a clock that nobody sets.
//! * **Keys.** Keys are ASCII, case-sensitive and up to 1,024 bytes long. Compare and sort them by
//!   bytes: in PostgreSQL by `COLLATE "C"`.
//! * **Pages.** `Page::fits` and `Page::push` keep a page within its bound, and leave out rows that
//!   cannot be read, so that one damaged row does not hide the others.
//! * **Secrets.** Never put a payload in an error, a log line or `Debug` output.
//!
//! # Test the store
//!
//! Add `countersign-testkit` with the feature `tokens` to the dev-dependencies. In
//! `tests/conformance.rs`:
//!
//! ```text
//! use countersign_testkit::store_conformance::Stores;
//!
//! fn stores() -> Stores {
//!     let store = MyStore::open();
//!     Stores::running(store.clone(), store).reopened_by(MyStore::open)
//! }
//!
//! countersign_testkit::grant_store_conformance!(stores: stores());
//! ```
//!
//! The macro makes one test for each rule. The two handles stand for two processes: let them be two
//! connections if the database has connections. Use `Stores::new` instead of `Stores::running` if a
//! test sets the store's clock. A store that needs a runtime brings it:
//!
//! ```text
//! countersign_testkit::grant_store_conformance!(
//!     stores: stores(),
//!     block_on: |work| RUNTIME.block_on(work),
//! );
//! ```
