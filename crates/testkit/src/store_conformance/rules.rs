//! The rules, by subject. Each is a function of the store under test. Its error says how the store
//! breaks the rule, or what failed in the store.
#![expect(clippy::missing_errors_doc, reason = "all are the same, and described above")]

pub mod concurrency;
pub mod pages;
pub mod records;
pub mod swapping;
