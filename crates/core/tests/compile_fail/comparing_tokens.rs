//! Tokens are compared in constant time, by `same_as`.

use countersign_core::{AccessToken, RefreshToken};

fn same(one: AccessToken, other: AccessToken) -> bool {
    one == other
}

fn same_refresh(one: RefreshToken, other: RefreshToken) -> bool {
    one == other
}

fn main() {}
