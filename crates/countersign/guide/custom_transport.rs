use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use countersign::{Body, BodyCollector, Delivery, Limits, Transport, TransportError};
use http::{Request, Response};
use tokio::sync::oneshot;
use ureq::Agent;

type Ending = Result<Response<Body>, TransportError>;

/// A transport over ureq, which blocks: each call has a thread and an agent to itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct UreqTransport(Arc<Mutex<Vec<Agent>>>);

#[async_trait::async_trait]
impl Transport for UreqTransport {
    async fn send(&self, request: Request<Body>, limits: Limits) -> Ending {
        let idle = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle().pop();
        let mut lease = Lease(Some(waiting.unwrap_or_else(agent)));
        let (answer, answered) = oneshot::channel();
        let agent = lease.0.clone();
        std::thread::spawn(move || answer.send(call(&agent?, request, limits)).ok());
        let response = answered.await.map_err(|_| classify(ureq::Error::ConnectionFailed))??;
        idle().extend(lease.0.take());
        Ok(response)
    }
}

/// The agent of one call. Where the call fails or is given up, its connection closes.
struct Lease(Option<Agent>);

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(Agent::shutdown);
    }
}

fn agent() -> Agent {
    let config = Agent::config_builder().max_redirects(0).http_status_as_error(false).proxy(None);
    config.allow_non_standard_methods(true).build().into()
}

fn call(agent: &Agent, request: Request<Body>, limits: Limits) -> Ending {
    let (head, body) = request.into_parts();
    let request = Request::from_parts(head, body.as_bytes());
    let request = agent.configure_request(request).timeout_global(Some(limits.timeout)).build();
    let (head, mut body) = agent.run(request).map_err(classify)?.into_parts();
    let (mut body, mut collected) = (body.as_reader(), BodyCollector::new(limits));
    loop {
        let mut piece = vec![0; 8 * 1024];
        let length = body.read(&mut piece).map_err(|error| classify(error.into()))?;
        if length == 0 {
            return Ok(Response::from_parts(head, collected.finish()));
        }
        piece.truncate(length);
        collected.push(Body::from(piece).into_bytes())?;
    }
}

fn classify(error: ureq::Error) -> TransportError {
    use countersign::TransportErrorKind::{Connect, Interrupted, Other, Timeout};
    use ureq::{Error, Timeout as At};
    let refused = |error: &std::io::Error| match error.get_ref() {
        Some(tls) => matches!(tls.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))),
        None => error.kind() == std::io::ErrorKind::ConnectionRefused,
    };
    let (kind, delivery) = match &error {
        Error::HostNotFound | Error::Timeout(At::Resolve | At::Connect) => {
            (Connect, Delivery::NotSent)
        }
        Error::Io(error) if refused(error) => (Connect, Delivery::NotSent),
        Error::Timeout(_) => (Timeout, Delivery::Unknown),
        Error::Io(_) => (Interrupted, Delivery::Unknown),
        _ => (Other, Delivery::Unknown),
    };
    TransportError::new(kind, delivery).with_source(error)
}
