//! A server with a certificate that nobody has reason to believe.

use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, Stream};

use crate::conformance::conversation::PATIENCE;
use crate::conformance::signal::Signal;
use crate::verdict::Broken;

/// One handshake on a loopback port.
pub(crate) struct TlsServer {
    address: SocketAddr,
    /// Raised when a client has connected.
    pub(crate) met: Signal,
    /// Raised when a byte of a request came out of the encryption.
    pub(crate) told: Signal,
    /// Raised when the connection is over.
    pub(crate) over: Signal,
}

impl TlsServer {
    /// With a certificate of this minute for 127.0.0.1, signed by itself.
    pub(crate) fn start() -> Result<Self, Broken> {
        let config = Arc::new(config().map_err(|error| Broken::new(error.to_string()))?);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let server = Self {
            address: listener.local_addr()?,
            met: Signal::default(),
            told: Signal::default(),
            over: Signal::default(),
        };
        let (met, told, over) = (server.met.clone(), server.told.clone(), server.over.clone());
        thread::spawn(move || {
            if listen(&listener, config, &met).unwrap_or_default() > 0 {
                told.raise();
            }
            over.raise();
        });
        Ok(server)
    }

    pub(crate) fn url(&self, target: &str) -> String {
        format!("https://{}{target}", self.address)
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        // Wakes the thread that accepts, if nobody came.
        let _ = TcpStream::connect(self.address);
    }
}

/// How many bytes of a request could be read.
fn listen(listener: &TcpListener, config: Arc<ServerConfig>, met: &Signal) -> io::Result<usize> {
    let (mut socket, _) = listener.accept()?;
    met.raise();
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut tls = ServerConnection::new(config).map_err(io::Error::other)?;
    Stream::new(&mut tls, &mut socket).read(&mut [0; 64])
}

fn config() -> Result<ServerConfig, Box<dyn std::error::Error>> {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    // The provider is named: with two in one build rustls would not choose.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?)
}
