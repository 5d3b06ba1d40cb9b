//! The command line.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use clap::{Parser, ValueEnum};
use countersign_sandbox::{ClientAuthentication, ClientRegistration, Config, Rotation};

/// A loopback OAuth 2.0 authorization server to develop against.
#[derive(Parser)]
#[command(version, about)]
pub(crate) struct Args {
    /// Port to listen on; 0 lets the system choose one
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// Loopback address to listen on
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    address: IpAddr,
    /// Which server to play
    #[arg(long, value_enum, default_value_t = DialectArg::Hellosign)]
    pub(crate) dialect: DialectArg,
    /// Id of the registered client
    #[arg(long, default_value = Config::CLIENT_ID)]
    pub(crate) client_id: String,
    /// Secret of the registered client
    #[arg(
        long,
        default_value = Config::CLIENT_SECRET,
        env = "COUNTERSIGN_SANDBOX_CLIENT_SECRET",
        hide_env_values = true
    )]
    pub(crate) client_secret: String,
    /// The client has no secret
    #[arg(long, conflicts_with = "client_secret")]
    pub(crate) public: bool,
    /// How the client authenticates in the rfc6749 dialect
    #[arg(long, value_enum, default_value_t = AuthenticationArg::Basic)]
    pub(crate) client_authentication: AuthenticationArg,
    /// Registered redirect URI, may be repeated; without this option any loopback URI is accepted
    #[arg(long)]
    pub(crate) redirect_uri: Vec<String>,
    /// What happens to a used refresh token: never, strict or grace:SECONDS [default: by dialect]
    #[arg(long, value_parser = rotation)]
    rotation: Option<Rotation>,
    /// Lifetime of access tokens [default: 3600]
    #[arg(long, value_name = "SECONDS")]
    access_token_lifetime: Option<u64>,
    /// Leave `iss` out of the callback in the rfc6749 dialect
    #[arg(long)]
    no_iss: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DialectArg {
    Hellosign,
    Rfc6749,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuthenticationArg {
    Basic,
    Body,
}

impl Args {
    pub(crate) fn config(&self) -> Config {
        let mut config = match self.dialect {
            DialectArg::Hellosign => Config::hellosign(),
            DialectArg::Rfc6749 => Config::rfc6749().issuer(!self.no_iss),
        };
        if let Some(rotation) = self.rotation {
            config = config.rotation(rotation);
        }
        if let Some(seconds) = self.access_token_lifetime {
            config = config.access_token_lifetime(Duration::from_secs(seconds));
        }
        config.only_client(self.client()).address(self.address).port(self.port)
    }

    fn client(&self) -> ClientRegistration {
        let client = if self.public {
            ClientRegistration::public(&self.client_id)
        } else {
            ClientRegistration::confidential(&self.client_id, &self.client_secret)
        };
        let client = client.authentication(match self.client_authentication {
            AuthenticationArg::Basic => ClientAuthentication::Basic,
            AuthenticationArg::Body => ClientAuthentication::RequestBody,
        });
        if self.redirect_uri.is_empty() {
            return client.any_loopback_redirect_uri();
        }
        self.redirect_uri.iter().fold(client, ClientRegistration::redirect_uri)
    }
}

fn rotation(text: &str) -> Result<Rotation, String> {
    let seconds = |text: &str| text.parse().map(Duration::from_secs);
    match (text, text.strip_prefix("grace:").map(seconds)) {
        ("never", _) => Ok(Rotation::Never),
        ("strict", _) => Ok(Rotation::Strict),
        (_, Some(Ok(window))) => Ok(Rotation::Grace { window }),
        _ => Err("expected never, strict or grace:SECONDS".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn rotation_is_read() {
        assert_eq!(rotation("never"), Ok(Rotation::Never));
        assert_eq!(rotation("strict"), Ok(Rotation::Strict));
        let window = Duration::from_secs(30);
        assert_eq!(rotation("grace:30"), Ok(Rotation::Grace { window }));
        for wrong in ["", "grace", "grace:", "grace:-1", "grace:1.5", "Strict"] {
            assert!(rotation(wrong).is_err(), "{wrong}");
        }
    }
}
