//! One call: connections, redirects, repetitions, and what is said of a failure.

use std::net::TcpStream;
use std::sync::atomic::Ordering;

use countersign_core::{Body, Delivery, Limits, TransportError, TransportErrorKind as Kind};

use crate::sin::Sin;
use crate::tls;
use crate::transport::{Control, Ending, Kept};
use crate::wire::{Connection, Fault};

pub(crate) struct Call<'a> {
    pub(crate) kept: &'a Kept,
    pub(crate) control: &'a Control,
    pub(crate) limits: Limits,
}

impl Call<'_> {
    pub(crate) fn run(&self, request: &http::Request<Body>) -> Ending {
        let _turn = self.sins(Sin::OneAtATime).then(|| self.kept.turn.lock().unwrap());
        let ending = self.exchange(request.uri(), request).and_then(|answer| {
            let location = answer.headers().get("location").and_then(|to| to.to_str().ok());
            match location {
                Some(to) if self.sins(Sin::FollowsRedirects) => {
                    let base = format!("http://{}", request.uri().authority().unwrap());
                    let to = if to.starts_with('/') { base + to } else { to.to_owned() };
                    self.exchange(&to.parse().unwrap(), request)
                }
                _ => Ok(answer),
            }
        });
        ending.and_then(|answer| self.judged(answer)).map_err(|fault| self.told(fault, request))
    }

    fn sins(&self, sin: Sin) -> bool {
        self.kept.sins(sin)
    }

    fn judged(&self, mut answer: http::Response<Body>) -> Result<http::Response<Body>, Fault> {
        if let Some(cookie) = answer.headers().get("set-cookie") {
            *self.kept.cookie.lock().unwrap() = Some(cookie.clone());
        }
        if self.sins(Sin::MakesErrorsOfStatuses) && answer.status().as_u16() >= 400 {
            return Err(Fault::Garbage(String::new()));
        }
        if self.sins(Sin::ReadsTextOnly) {
            let text = String::from_utf8_lossy(answer.body().as_bytes()).into_owned();
            *answer.body_mut() = Body::from(text.into_bytes());
        }
        if self.sins(Sin::LimitsBeforeDecompression)
            && answer.headers().contains_key("content-encoding")
        {
            let mut text = Vec::new();
            let mut gzip = flate2::read::GzDecoder::new(answer.body().as_bytes());
            if std::io::Read::read_to_end(&mut gzip, &mut text).is_err() {
                return Err(Fault::Cut);
            }
            *answer.body_mut() = Body::from(text);
        }
        Ok(answer)
    }

    /// On a kept connection that is still good, or on a new one.
    fn exchange(
        &self,
        to: &http::Uri,
        request: &http::Request<Body>,
    ) -> Result<http::Response<Body>, Fault> {
        let kept = self.kept.idle.lock().unwrap().pop().filter(Connection::is_good);
        let stale = kept.is_some();
        let ending = match kept {
            Some(connection) => self.on(connection, to, request),
            None => self.on(self.connect(to)?, to, request),
        };
        let again =
            self.sins(Sin::SendsAgainAlways) || (self.sins(Sin::SendsAgainWhenStale) && stale);
        match ending {
            Err(Fault::Cut) if again => self.on(self.connect(to)?, to, request),
            ending => ending,
        }
    }

    fn connect(&self, to: &http::Uri) -> Result<Connection, Fault> {
        let address = to.authority().unwrap().as_str();
        let encrypted = to.scheme_str() == Some("https") && !self.sins(Sin::SpeaksInTheClear);
        if encrypted && !self.sins(Sin::BelievesEveryCertificate) {
            return Err(Fault::Connect("no TLS here".into()));
        }
        let socket = TcpStream::connect(address).map_err(|it| Fault::Connect(it.to_string()))?;
        if self.sins(Sin::LimitsEachRead) {
            socket.set_read_timeout(Some(self.limits.timeout)).map_err(|_| Fault::Cut)?;
        }
        if encrypted { tls::wrap(socket) } else { Ok(Connection::plain(socket)) }
    }

    fn on(
        &self,
        mut connection: Connection,
        to: &http::Uri,
        request: &http::Request<Body>,
    ) -> Result<http::Response<Body>, Fault> {
        self.control.uses(connection.socket()).map_err(|_| Fault::Cut)?;
        let cookie = self.kept.cookie.lock().unwrap().clone();
        let cookie = cookie.filter(|_| self.sins(Sin::KeepsCookies));
        connection.say(to, request, cookie.as_ref(), self.kept)?;
        let (answer, good) = connection.answer(request.method(), self.limits, self.kept)?;
        self.control.lets_go();
        if good && !self.sins(Sin::KeepsNoConnection) {
            self.kept.idle.lock().unwrap().push(connection);
        }
        Ok(answer)
    }

    fn told(&self, fault: Fault, request: &http::Request<Body>) -> TransportError {
        let late = self.control.late.load(Ordering::SeqCst);
        let (kind, said) = match fault {
            _ if late => (Kind::Timeout, String::new()),
            Fault::Connect(said) => (Kind::Connect, said),
            Fault::Late => (Kind::Timeout, String::new()),
            Fault::TooLarge => (Kind::TooLarge, String::new()),
            Fault::Cut => (Kind::Interrupted, String::new()),
            Fault::Garbage(said) => (Kind::Other, said),
        };
        let delivery = match kind {
            _ if self.sins(Sin::AlwaysSaysNotSent) => Delivery::NotSent,
            Kind::Connect if !self.sins(Sin::NeverSaysNotSent) => Delivery::NotSent,
            _ => Delivery::Unknown,
        };
        let error = TransportError::new(kind, delivery);
        match (self.sins(Sin::ShowsTheUrl), self.sins(Sin::ShowsTheAnswer), kind) {
            (true, ..) => error.with_source(request.uri().to_string()),
            (_, true, _) | (.., Kind::Connect) => error.with_source(said),
            _ => error,
        }
    }
}
