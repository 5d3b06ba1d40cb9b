//! The transport: a thread for each call, with a blocking socket.

use std::future::poll_fn;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{Body, Limits, Transport, TransportError};

use crate::call::Call;
use crate::sin::Sin;
use crate::wire::Connection;

pub(crate) type Ending = Result<http::Response<Body>, TransportError>;

#[derive(Debug)]
pub(crate) struct Sinner(Arc<Kept>);

/// What lasts from one call to the next.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) sin: Option<Sin>,
    pub(crate) idle: Mutex<Vec<Connection>>,
    pub(crate) cookie: Mutex<Option<http::HeaderValue>>,
    pub(crate) turn: Mutex<()>,
}

impl Sinner {
    pub(crate) fn new(sin: Option<Sin>) -> Self {
        let (idle, cookie, turn) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self(Arc::new(Kept { sin, idle, cookie, turn }))
    }
}

impl Kept {
    pub(crate) fn sins(&self, sin: Sin) -> bool {
        self.sin == Some(sin)
    }
}

/// The end of a call, from outside of its thread.
#[derive(Default)]
pub(crate) struct Control {
    /// The socket in use.
    socket: Mutex<Option<TcpStream>>,
    pub(crate) over: AtomicBool,
    pub(crate) late: AtomicBool,
}

impl Control {
    /// From now on the end of the call is the end of this.
    pub(crate) fn uses(&self, socket: &TcpStream) -> io::Result<()> {
        *self.socket.lock().unwrap() = Some(socket.try_clone()?);
        if self.over.load(Ordering::SeqCst) {
            self.end();
        }
        Ok(())
    }

    pub(crate) fn lets_go(&self) {
        self.socket.lock().unwrap().take();
    }

    fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
        if let Some(socket) = self.socket.lock().unwrap().take() {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

/// Ends the call when its future is dropped.
struct Ends(Arc<Control>, bool);

impl Drop for Ends {
    fn drop(&mut self) {
        if self.1 {
            self.0.end();
        }
    }
}

#[async_trait]
impl Transport for Sinner {
    async fn send(&self, request: http::Request<Body>, limits: Limits) -> Ending {
        let control = Arc::new(Control::default());
        let _ends = Ends(Arc::clone(&control), !self.0.sins(Sin::GoesOnWhenDropped));
        let place = Arc::new(Mutex::new((None::<Ending>, None::<Waker>)));
        let (done, over) = mpsc::channel::<()>();
        if !self.0.sins(Sin::HasNoTimeLimit) && !self.0.sins(Sin::LimitsEachRead) {
            watch(Arc::clone(&control), over, limits.timeout);
        }
        let (result, kept) = (Arc::clone(&place), Arc::clone(&self.0));
        thread::spawn(move || {
            let ending = Call { kept: &kept, control: &control, limits }.run(&request);
            drop(done);
            let mut place = result.lock().unwrap();
            place.0 = Some(ending);
            if let Some(waker) = place.1.take() {
                waker.wake();
            }
        });
        poll_fn(|context| {
            let mut place = place.lock().unwrap();
            place.1 = Some(context.waker().clone());
            place.0.take().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

fn watch(control: Arc<Control>, over: mpsc::Receiver<()>, limit: Duration) {
    thread::spawn(move || {
        if over.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
            control.late.store(true, Ordering::SeqCst);
            control.end();
        }
    });
}
