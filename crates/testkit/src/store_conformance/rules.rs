//! The rules, by what they are about. Each is a function of the store that is judged; its error is
//! how the rule is broken, or what failed in the store.
#![expect(clippy::missing_errors_doc, reason = "they are all the same, and told above")]

pub mod adopting;
pub mod beginning;
pub mod clearing;
pub mod crowds;
pub mod due;
pub mod forgetting;
pub mod leases;
pub mod marking;
pub mod payloads;
pub mod records;
pub mod resealing;
pub mod saving;
pub mod secrets;
