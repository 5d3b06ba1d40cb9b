//! The protocol, through the public API and without a socket: every request is recorded and every
//! answer scripted. Tests of a guarantee are named after its number.
#![cfg(test)]

mod error_response;
mod g01_callback;
mod g02_code_once;
mod g03_given_back;
mod g04_transport;
mod g05_secrets;
mod g06_expiry;
mod properties;
mod provider_switches;
mod published_examples;
mod revocation;
mod states;
mod support;
mod token_response;
