//! Reaching a server, or saying soon why not.

use std::time::Duration;

use countersign_tokens::{StoreError, StoreErrorKind};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::error::failed;

/// How long a connection may take to be made or to become free.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// These, with what our own connections have.
pub(super) fn own(options: PgConnectOptions) -> PgConnectOptions {
    // PgBouncer refuses a connection that sets the digits of floats, of which there are none.
    options.extra_float_digits(None).disable_statement_logging()
}

/// Whether one can connect. A pool would not say why not: it tries until its time is over.
pub(super) async fn reached(options: &PgConnectOptions) -> Result<(), StoreError> {
    let connected =
        tokio::time::timeout(PATIENCE, async { options.connect().await?.close().await });
    match connected.await {
        Ok(connected) => connected.map_err(failed),
        Err(_) => Err(StoreError::new(StoreErrorKind::Timeout)
            .with_source(format!("nothing answered within {PATIENCE:?}"))),
    }
}
