//! The rules that every transport has to keep.

use std::sync::LazyLock;

use countersign_reqwest::ReqwestTransport;
use tokio::runtime::{Builder, Runtime};

/// With threads of its own: reqwest's connections live in tasks, which have to run on after a call.
#[expect(clippy::expect_used, reason = "there is no test without it")]
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});

countersign_testkit::transport_conformance!(
    transport: ReqwestTransport::new().expect("a transport"),
    block_on: |work| RUNTIME.block_on(work),
);
