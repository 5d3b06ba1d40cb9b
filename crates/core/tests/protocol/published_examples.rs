//! HelloSign's published examples (its OpenAPI document, Apache-2.0, Dropbox Inc.): what is sent
//! is equal to them, and what they answer is read.

mod accounts;
mod errors;
mod examples;
mod tokens;
