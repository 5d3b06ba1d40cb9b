//! The rules, by theme. Each is a function that judges a transport; its documentation says what it
//! proves and why that matters to a client of OAuth.

pub mod body;
pub mod connection;
pub mod delivery;
pub mod dropping;
pub mod length;
pub mod once;
pub mod redirect;
pub mod request;
pub mod response;
pub mod secrets;
pub mod time;
pub mod tls;
