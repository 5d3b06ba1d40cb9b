//! A token is not printed.

use countersign_core::AccessToken;

fn log(token: &AccessToken) -> String {
    format!("the token is {token}")
}

fn main() {}
