//! The refresh protocol of a fleet, looked at in every order in which things can happen.
//!
//! ```text
//! cargo run -p countersign-model          # the table below, from this machine
//! cargo nextest run -p countersign-model  # what holds, and what fails without a rule
//! ```
//!
//! A [`Fleet`] is a few processes that share one grant. The checker (stateright) takes it through
//! every state that it can come to, and [`property`] says what has to be true in each. Steps have
//! the names that they have in `countersign-tokens`, and the store of the model is
//! [`Rules`](countersign_tokens::Rules) itself: a row is made a `Record`, judged, and made a row
//! again, so that what is checked is the code's rules and not a story about them. What the
//! processes make of the answers follows `manager/refresh.rs`, `outcome.rs`, `stray.rs`, `save.rs`,
//! `adopt.rs` and `forget.rs` by hand, in `process.rs`: a change there is a change here.
//!
//! # What can happen
//!
//! * A process stops between any two steps, for as long as it likes.
//! * It dies at any step and begins anew with nothing in memory; its last request to the store or the
//!   provider is lost, or is still under way.
//! * It does not hear of a step. The step is done, is done at any later moment, or never.
//! * A request to the provider is not sent; its answer is lost; it arrives when nobody waits for it.
//! * The lease runs out at any moment, the gate is closed at any moment.
//! * The user ends the grant at the provider, gives a new one, and has one forgotten, at any moment;
//!   a payload is sealed anew.
//!
//! How often is bounded: see [`runs`]. With a grace window there is a clock in ticks, a request goes
//! as soon as the gate is open, and arrives within its time limit; a process may stop anywhere else.
//!
//! # What is not modelled
//!
//! What has no bearing on who may send what: access tokens, due times, rests after a 429, the
//! breaker, waiters of one process (they share one flight), several keys, and the fence, which no
//! rule compares (owners do that). Clocks that are set back, stores that lose an acknowledged write,
//! and providers that answer a replay with a second token: a replay in grace gets the same one again.
//! A 429 and a 503 are as good as a request that was not sent. A process that adopts or forgets is
//! like another process beside the one that refreshes. Alternates are not there either: at these
//! providers an answer whose save was overtaken is none that anybody misses, as a property says.
//!
//! Of the hour for which a tombstone stays, and the half of it in which an adoption is repeated, this
//! is taken: a tombstone is not purged while an adoption where nothing was is about to come, or late.
//!
//! # How much it is
//!
//! Of states that differ only in which process is which about one is looked at; the number varies a
//! little with the order. The seconds are of that run, on two cores that were shared, in the dev
//! profile.
//!
//! | run | states | steps of the longest run | seconds |
//! |---|---|---|---|
//! | two processes | 1,269,000 | 52 | 9 |
//! | two processes and everything | 2,561,000 | 36 | 27 |
//! | two processes and losses | 459,000 | 47 | 12 |
//! | two processes and a new grant | 1,422,000 | 38 | 25 |
//! | two processes without rotation | 851,000 | 48 | 9 |
//! | two processes with grace | 5,628,000 | 51 | 20 |
//! | two processes with grace and a crash | 5,172,000 | 50 | 14 |
//! | three processes | 329,000 | 42 | 1 |
//! | three processes again and again | 1,119,000 | 71 | 3 |
//! | three processes and forgetting (by `cargo run` alone) | 10,077,000 | 48 | 98 |
//!
//! # Without a rule
//!
//! `tests/without.rs` takes each [`Rule`] out, or each set that is one only together, and finds the
//! failure that it is there against. [`Fleet::look_for`] gives the shortest run that shows it.
//!
//! Five of the rules the model has found itself, by what their tests are named after:
//!
//! * [`Rule::UnknownForAnIntent`]: an author clears its intent between another's begin and mark.
//!   The grant is `Unknown`, no intent is left, and nobody can take it back.
//! * [`Rule::TombstonesStay`]: a grant is adopted where nothing was, unheard; it is forgotten and its
//!   tombstone purged; the adoption is repeated, or arrives late. To write a tombstone where nothing
//!   was, and to adopt over that, is no way out: both steps may be late.
//! * [`Rule::FreshTombstone`]: a tombstone is written, unheard; a grant is adopted over it, unheard;
//!   the forgetting is repeated, refused, and buries that grant under the same epoch. The adoption,
//!   repeated, finds what it replaced the first time.
//! * [`Rule::TakeoverCountsTheGate`]: begin counted `T + m` before the end of the grace, but the gate
//!   lets a request go `L − T − S − m` after begin, which is more than `m`.
//! * [`Rule::RestForIntents`]: the first holder is late, somebody takes over, and then the first saves,
//!   which knows of no takeover. The new token, used at once, ends the grace while the other's request
//!   is under way.

mod check;
mod fleet;
mod process;
pub mod property;
mod provider;
mod rule;
pub mod runs;
pub mod state;
mod store;
mod symmetry;

pub use check::Findings;
pub use fleet::{Action, Fleet, Step, Timing};
pub use provider::Rotation;
pub use rule::{Rule, Without};
