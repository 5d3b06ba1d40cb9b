//! A proxy between a process and a server, which can cut the connection.

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

/// What a proxy does with the bytes that it receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Traffic {
    Open,
    Cut(CutMode),
}

/// How a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CutMode {
    /// Nothing arrives until the proxy is open again. Then everything arrives, as after packets
    /// were resent, even from a process that has died.
    Late,
    /// Nothing arrives, and connections are reset when the proxy is open again.
    Swallowed,
    /// Connections are reset at once, and new ones are refused.
    Reset,
}

/// The most connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// Listens on a port of its own, and forwards connections until it is dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    traffic: watch::Sender<Traffic>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn start(server: (String, u16)) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let traffic = watch::Sender::new(Traffic::Open);
        let accepting = tokio::spawn(accept(listener, address, Arc::new(server), traffic.clone()));
        Ok(Self { address, traffic, accepting })
    }

    pub(crate) fn set(&self, traffic: Traffic) {
        self.traffic.send_replace(traffic);
    }
}

/// Bytes that are in flight are still forwarded: the process may have died, and its bytes arrive.
impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.set(Traffic::Open);
    }
}

async fn accept(
    listener: TcpListener,
    address: SocketAddr,
    server: Arc<(String, u16)>,
    traffic: watch::Sender<Traffic>,
) {
    let (mut listener, mut held) = (Some(listener), None);
    let mut changes = traffic.subscribe();
    loop {
        let is_refused = *changes.borrow_and_update() == Traffic::Cut(CutMode::Reset);
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
                tokio::spawn(connection(inner, Arc::clone(&server), traffic.subscribe()));
            }
            changed = changes.changed() => if changed.is_err() { return },
            // Another program has the port for now.
            () = pass(Duration::from_millis(50)), if !is_refused && listener.is_none() => {}
        }
    }
}

/// Accepts the next connection. Without a listener the future never completes.
async fn next(listener: Option<&TcpListener>) -> Option<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await.ok(),
        None => std::future::pending().await,
    }
}

/// Ends when both sides are closed, or when the proxy resets the connection.
async fn connection(
    mut inner: TcpStream,
    server: Arc<(String, u16)>,
    mut traffic: watch::Receiver<Traffic>,
) {
    let gate = traffic.clone();
    let is_severed = tokio::select! {
        biased;
        () = severed(&mut traffic) => true,
        _ = forward(&mut inner, &server, gate) => false,
    };
    if is_severed {
        let _ = inner.set_zero_linger();
    }
}

async fn forward(
    inner: &mut TcpStream,
    (host, port): &(String, u16),
    mut gate: watch::Receiver<Traffic>,
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
    mut gate: watch::Receiver<Traffic>,
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

/// Ends when the proxy is open, or when nothing can cut it any more.
async fn opened(traffic: &mut watch::Receiver<Traffic>) {
    let _ = traffic.wait_for(|traffic| *traffic == Traffic::Open).await;
}

/// Returns a socket that is bound to the port and does not listen: connections are refused, and
/// another race, whose provider they would reach, does not get the port.
fn holding(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Ends when connections are to be reset.
async fn severed(traffic: &mut watch::Receiver<Traffic>) {
    let swallowed = Traffic::Cut(CutMode::Swallowed);
    let is_fatal = |it: &Traffic| *it == swallowed || *it == Traffic::Cut(CutMode::Reset);
    let cut = traffic.wait_for(is_fatal).await.map(|traffic| *traffic);
    match cut {
        Ok(cut) if cut == swallowed => {
            let _ = traffic.wait_for(|traffic| *traffic != swallowed).await;
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
    async fn late_bytes_arrive_even_from_a_client_that_is_gone() -> io::Result<()> {
        let (mut client, mut server, proxy) = connected().await?;
        proxy.set(Traffic::Cut(CutMode::Late));
        client.write_all(b"2").await?;
        drop(client);
        let mut late = Vec::new();
        tokio::select! {
            biased;
            _ = server.read_to_end(&mut late) => panic!("the proxy is cut"),
            () = tokio::task::yield_now() => {}
        }
        proxy.set(Traffic::Open);
        server.read_to_end(&mut late).await?;
        assert_eq!(late, b"2");
        Ok(())
    }

    #[tokio::test]
    async fn swallowed_bytes_never_arrive() -> io::Result<()> {
        let (mut client, mut server, proxy) = connected().await?;
        proxy.set(Traffic::Cut(CutMode::Swallowed));
        client.write_all(b"2").await?;
        // The tasks of the proxy see only the last setting.
        tokio::task::yield_now().await;
        proxy.set(Traffic::Open);
        assert!(client.read_u8().await.is_err());
        let mut rest = Vec::new();
        let _ = server.read_to_end(&mut rest).await;
        assert!(rest.is_empty());
        Ok(())
    }

    #[tokio::test]
    async fn a_reset_ends_connections_at_once_and_new_ones_are_refused() -> io::Result<()> {
        let (mut client, _server, proxy) = connected().await?;
        proxy.set(Traffic::Cut(CutMode::Reset));
        assert!(client.read_u8().await.is_err());
        let again = async {
            let mut client = TcpStream::connect(proxy.address).await?;
            client.read_u8().await
        };
        assert!(again.await.is_err());
        proxy.set(Traffic::Open);
        while TcpStream::connect(proxy.address).await.is_err() {
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}
