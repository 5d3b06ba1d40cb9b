//! Nor is a refresh token.

use countersign_core::RefreshToken;

fn log(token: &RefreshToken) -> String {
    token.to_string()
}

fn main() {}
