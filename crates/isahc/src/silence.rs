//! isahc logs too much: the URL in a span, and every byte that is sent and received, secrets and all,
//! at the level `TRACE`.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll};
use std::time::Duration;

use countersign_core::TransportError;
use futures_lite::AsyncRead;
use isahc::config::Configurable;
use isahc::net::{Dialer, IpVersion, interface};
use isahc::{AsyncBody, HttpClient};
use tracing::instrument::WithSubscriber;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, Subscriber};
use tracing::{Dispatch, Event, Metadata};

use crate::error::unsent;

/// A subscriber that hears nothing, for as long as futures of isahc are polled.
///
/// Not `NoSubscriber`, which would have every other subscriber of the process asked at every level.
pub(crate) fn silence() -> Dispatch {
    Dispatch::new(Silence)
}

/// Makes it the subscriber of the client's thread too, which is where libcurl tells the bytes.
///
/// The one way into that thread is the body of a request, which is read there once there is a
/// connection. So this request goes to a port of our own, where nobody accepts it, and ends with
/// the reading.
pub(crate) async fn hush(client: &HttpClient, silence: &Dispatch) -> Result<(), TransportError> {
    let loopback: [SocketAddr; 2] =
        [(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()];
    let nobody = TcpListener::bind(&loopback[..]).map_err(unsent)?;
    let address = nobody.local_addr().map_err(unsent)?;
    let (heard, told) = mpsc::channel();
    let body = Hushing { silence: silence.clone(), heard: Some(heard) };
    let request = http::Request::post(format!("http://{address}/"))
        .timeout(HUSHING)
        .proxy(None)
        .dial(Dialer::ip_socket(address))
        .interface(interface::Any)
        .ip_version(IpVersion::Any)
        .body(AsyncBody::from_reader_sized(body, 1))
        .map_err(unsent)?;
    let ended = async { client.send_async(request).await }.with_subscriber(silence.clone()).await;
    match (told.try_recv(), ended) {
        (Ok(()), _) => Ok(()),
        (Err(_), Err(error)) => Err(unsent(error)),
        (Err(_), Ok(_)) => Err(unsent("the log of isahc could not be silenced")),
    }
}

/// It takes less than a millisecond.
const HUSHING: Duration = Duration::from_secs(2);

struct Hushing {
    silence: Dispatch,
    heard: Option<mpsc::Sender<()>>,
}

impl AsyncRead for Hushing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(heard) = self.heard.take() {
            // For as long as the thread lives.
            std::mem::forget(tracing::dispatcher::set_default(&self.silence));
            let _ = heard.send(());
        }
        Poll::Ready(Err(io::ErrorKind::Interrupted.into()))
    }
}

struct Silence;

impl Subscriber for Silence {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::never()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::OFF)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
