//! The stored form of states: read again as it was written, for its own client, in time.

mod reading;
mod resuming;
