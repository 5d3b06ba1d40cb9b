//! A way from a process to a server that can be cut.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::time::pass;

/// What is done with what comes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Open,
    Cut(Manner),
}

/// How a way is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Manner {
    /// Nothing arrives until the way is open again; then all of it does, as after packets were
    /// sent again. What a process sent before it gave up or died arrives, too.
    Late,
    /// Nothing arrives, and connections are reset when the way is open again.
    Swallowed,
    /// Connections are reset at once, and new ones are refused.
    Reset,
}

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// Listens on a port of its own, and passes on what comes until it is dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    way: watch::Sender<Way>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn start(server: (String, u16)) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let way = watch::Sender::new(Way::Open);
        let accepting = tokio::spawn(accept(listener, address, Arc::new(server), way.clone()));
        Ok(Self { address, way, accepting })
    }

    pub(crate) fn set(&self, way: Way) {
        self.way.send_replace(way);
    }
}

/// What was under way is passed on all the same: its process may be gone, and what it sent arrives.
impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.set(Way::Open);
    }
}

async fn accept(
    listener: TcpListener,
    address: SocketAddr,
    server: Arc<(String, u16)>,
    way: watch::Sender<Way>,
) {
    let (mut listener, mut held) = (Some(listener), None);
    let mut changes = way.subscribe();
    loop {
        let is_refused = *changes.borrow_and_update() == Way::Cut(Manner::Reset);
        if is_refused {
            if listener.take().is_some() {
                held = holding(address).ok();
            }
        } else if listener.is_none() {
            listener = match held.take() {
                Some(socket) => socket.listen(BACKLOG).ok(),
                None => TcpListener::bind(address).await.ok(),
            };
        }
        tokio::select! {
            Some((inner, _)) = next(listener.as_ref()) => {
                tokio::spawn(connection(inner, Arc::clone(&server), way.subscribe()));
            }
            changed = changes.changed() => if changed.is_err() { return },
            // Somebody else has the port for now.
            () = pass(Duration::from_millis(50)), if !is_refused && listener.is_none() => {}
        }
    }
}

/// The next connection. Without a listener there is none.
async fn next(listener: Option<&TcpListener>) -> Option<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await.ok(),
        None => std::future::pending().await,
    }
}

/// Ends when both sides are closed, or the way is cut in a manner that it does not survive.
async fn connection(
    mut inner: TcpStream,
    server: Arc<(String, u16)>,
    mut way: watch::Receiver<Way>,
) {
    let gate = way.clone();
    let is_severed = tokio::select! {
        biased;
        () = severed(&mut way) => true,
        _ = pass_on(&mut inner, &server, gate) => false,
    };
    if is_severed {
        let _ = inner.set_zero_linger();
    }
}

async fn pass_on(
    inner: &mut TcpStream,
    (host, port): &(String, u16),
    mut gate: watch::Receiver<Way>,
) -> io::Result<()> {
    opened(&mut gate).await;
    let mut outer = TcpStream::connect((host.as_str(), *port)).await?;
    let (from_inner, to_inner) = inner.split();
    let (from_outer, to_outer) = outer.split();
    let there = pump(from_inner, to_outer, gate.clone());
    let back = pump(from_outer, to_inner, gate);
    tokio::join!(there, back);
    Ok(())
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut gate: watch::Receiver<Way>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await.unwrap_or(0);
        opened(&mut gate).await;
        let Some(read) = buffer.get(..read).filter(|it| !it.is_empty()) else { break };
        if to.write_all(read).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

/// Ends when the way is open. Whoever could cut it may be gone, which leaves it open.
async fn opened(way: &mut watch::Receiver<Way>) {
    let _ = way.wait_for(|way| *way == Way::Open).await;
}

/// A socket that has the port, and nobody listens there: connections are refused, and no other race
/// gets it meanwhile, to whose provider they would lead.
fn holding(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Ends when connections are to be reset.
async fn severed(way: &mut watch::Receiver<Way>) {
    let is_fatal = |way: &Way| matches!(way, Way::Cut(Manner::Reset | Manner::Swallowed));
    let cut = way.wait_for(is_fatal).await.map(|way| *way);
    match cut {
        Ok(Way::Cut(Manner::Swallowed)) => {
            let _ = way.wait_for(|way| *way != Way::Cut(Manner::Swallowed)).await;
        }
        Ok(_) => {}
        Err(_) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo() -> io::Result<(TcpListener, Proxy)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let proxy = Proxy::start(("127.0.0.1".to_owned(), port)).await?;
        Ok((listener, proxy))
    }

    async fn connected() -> io::Result<(TcpStream, TcpStream, Proxy)> {
        let (listener, proxy) = echo().await?;
        let mut client = TcpStream::connect(proxy.address).await?;
        client.write_all(b"1").await?;
        let (mut server, _) = listener.accept().await?;
        assert_eq!(server.read_u8().await?, b'1');
        Ok((client, server, proxy))
    }

    #[tokio::test]
    async fn what_is_late_arrives_even_from_one_who_is_gone() -> io::Result<()> {
        let (mut client, mut server, proxy) = connected().await?;
        proxy.set(Way::Cut(Manner::Late));
        client.write_all(b"2").await?;
        drop(client);
        let mut late = Vec::new();
        tokio::select! {
            biased;
            _ = server.read_to_end(&mut late) => panic!("the way is cut"),
            () = tokio::task::yield_now() => {}
        }
        proxy.set(Way::Open);
        server.read_to_end(&mut late).await?;
        assert_eq!(late, b"2");
        Ok(())
    }

    #[tokio::test]
    async fn what_is_swallowed_never_arrives() -> io::Result<()> {
        let (mut client, mut server, proxy) = connected().await?;
        proxy.set(Way::Cut(Manner::Swallowed));
        client.write_all(b"2").await?;
        // Only the last of what a way was set to is seen.
        tokio::task::yield_now().await;
        proxy.set(Way::Open);
        assert!(client.read_u8().await.is_err());
        let mut rest = Vec::new();
        let _ = server.read_to_end(&mut rest).await;
        assert!(rest.is_empty());
        Ok(())
    }

    #[tokio::test]
    async fn what_is_reset_ends_at_once_and_new_ones_are_refused() -> io::Result<()> {
        let (mut client, _server, proxy) = connected().await?;
        proxy.set(Way::Cut(Manner::Reset));
        assert!(client.read_u8().await.is_err());
        let again = async {
            let mut client = TcpStream::connect(proxy.address).await?;
            client.read_u8().await
        };
        assert!(again.await.is_err());
        proxy.set(Way::Open);
        while TcpStream::connect(proxy.address).await.is_err() {
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}
