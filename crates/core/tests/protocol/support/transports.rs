use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{Body, Limits, Transport, TransportError};
use countersign_testkit::{ManualClock, ScriptedTransport};
use http::{Request, Response};

/// A transport whose answers take their time, by the clock.
#[derive(Debug)]
pub(crate) struct Slow {
    pub(crate) inner: ScriptedTransport,
    pub(crate) clock: ManualClock,
    pub(crate) takes: Duration,
}

#[async_trait]
impl Transport for Slow {
    async fn send(
        &self,
        request: Request<Body>,
        limits: Limits,
    ) -> Result<Response<Body>, TransportError> {
        let answer = self.inner.send(request, limits).await;
        self.clock.advance(self.takes);
        answer
    }
}

/// A transport during whose answers the clock is set back.
#[derive(Debug)]
pub(crate) struct SetsBack {
    pub(crate) inner: ScriptedTransport,
    pub(crate) clock: ManualClock,
    pub(crate) by: Duration,
}

#[async_trait]
impl Transport for SetsBack {
    async fn send(
        &self,
        request: Request<Body>,
        limits: Limits,
    ) -> Result<Response<Body>, TransportError> {
        let answer = self.inner.send(request, limits).await;
        self.clock.set_back(self.by);
        answer
    }
}

/// A transport that keeps the limits that it was given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Limiting {
    pub(crate) inner: ScriptedTransport,
    pub(crate) limits: Arc<Mutex<Vec<Limits>>>,
}

#[async_trait]
impl Transport for Limiting {
    async fn send(
        &self,
        request: Request<Body>,
        limits: Limits,
    ) -> Result<Response<Body>, TransportError> {
        self.limits.lock().expect("nobody panicked").push(limits);
        self.inner.send(request, limits).await
    }
}

/// A transport that keeps the request and never answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Silent(pub(crate) ScriptedTransport);

#[async_trait]
impl Transport for Silent {
    async fn send(
        &self,
        request: Request<Body>,
        limits: Limits,
    ) -> Result<Response<Body>, TransportError> {
        let _ = self.0.send(request, limits).await;
        std::future::pending().await
    }
}
