//! The signals that end a program.

/// Waits for Ctrl-C, or for SIGTERM where there are such signals.
pub(crate) async fn end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => return,
                _ = terminate.recv() => return,
            }
        }
    }
    // Without a handler the signal ends the program at once.
    let _ = tokio::signal::ctrl_c().await;
}
