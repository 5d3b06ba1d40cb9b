//! Connecting to a server with a bound in time.

use std::time::Duration;

use countersign_tokens::{StoreError, StoreErrorKind};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::error::failed;

/// The longest time to connect, or to wait for a free connection.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// Sets the options of all connections that this library makes.
pub(super) fn own(options: PgConnectOptions) -> PgConnectOptions {
    // PgBouncer refuses connections that set it, and no column is a float.
    options.extra_float_digits(None).disable_statement_logging()
}

/// Connects once, for the reason if that fails: a pool retries until its time is over.
pub(super) async fn reached(options: &PgConnectOptions) -> Result<(), StoreError> {
    let connected = tokio::time::timeout(TIMEOUT, async { options.connect().await?.close().await });
    match connected.await {
        Ok(connected) => connected.map_err(failed),
        Err(_) => Err(StoreError::new(StoreErrorKind::Timeout)
            .with_source(format!("nothing answered within {TIMEOUT:?}"))),
    }
}
