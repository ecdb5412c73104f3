use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::StoreError;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// After this long without a sign of life the server counts as gone.
const SILENCE: Duration = Duration::from_secs(30);
/// What libpq waits before it probes an idle connection, unless it is told otherwise: too long for a worker that holds purchases.
const LIBPQ_IDLE: Duration = Duration::from_secs(7200);

/// Where a [`PostgresStore`](crate::PostgresStore) is, and how it is reached. `Debug` shows no password.
#[derive(Clone, Debug)]
#[must_use]
pub struct PostgresConfig {
    pub(super) server: tokio_postgres::Config,
    pub(super) schema: String,
    pub(super) connections: usize,
    /// Instead of the system's certificates.
    authorities: Option<Vec<CertificateDer<'static>>>,
}

impl PostgresConfig {
    /// A URL as libpq writes it: `postgres://user:password@host:5432/database?sslmode=require`, or with
    /// `?host=/var/run/postgresql` for a Unix socket.
    ///
    /// Over TCP the connection is encrypted and the server's certificate is verified, its chain and its name, whatever `sslmode` says short
    /// of `disable`: `require`, `verify-full`, `prefer` and none at all are the same. A server that speaks no TLS is refused; there is no
    /// falling back to plain text. `sslmode=disable` sends everything, the password's proof included, in the clear: for loopback and
    /// private networks. Unix sockets carry no TLS.
    ///
    /// # Errors
    /// A text that is no such URL, or an option that is not known; the error does not repeat it, since it may hold the password.
    pub fn parse(url: &str) -> Result<Self, StoreError> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(StoreError::Settings("the URL has to begin with postgres:// or postgresql://".to_owned()));
        }
        // Our `require` verifies as much as libpq's `verify-full`, a word that the parser does not know.
        let url = match url.rsplit_once('?') {
            Some((address, options)) => {
                format!("{address}?{}", options.replace("sslmode=verify-full", "sslmode=require"))
            }
            None => url.to_owned(),
        };
        let mut server: tokio_postgres::Config = url.parse().map_err(|_| {
            let expected = "postgres://user:password@host:port/database?sslmode=disable|require|verify-full";
            StoreError::Settings(format!("the URL is not of the form {expected}"))
        })?;
        let remote = server.get_hosts().iter().any(|host| matches!(host, Host::Tcp(_)));
        if !remote {
            server.ssl_mode(SslMode::Disable);
        } else if server.get_ssl_mode() != SslMode::Disable {
            server.ssl_mode(SslMode::Require);
        }
        if server.get_connect_timeout().is_none() {
            server.connect_timeout(CONNECT);
        }
        if server.get_tcp_user_timeout().is_none() {
            server.tcp_user_timeout(SILENCE);
        }
        if server.get_keepalives_idle() == LIBPQ_IDLE {
            server.keepalives_idle(SILENCE);
        }
        Ok(Self { server, schema: "biller_journal".to_owned(), connections: 16, authorities: None })
    }

    /// Trusts servers with a certificate from one of these authorities, in PEM, and no others. By default those that the system trusts.
    ///
    /// # Errors
    /// A text without a certificate in it.
    pub fn with_authorities(mut self, pem: &[u8]) -> Result<Self, StoreError> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let certificates =
            certificates.map_err(|error| StoreError::Settings(format!("the authorities' PEM: {error}")))?;
        if certificates.is_empty() {
            return Err(StoreError::Settings("the authorities' PEM holds no certificate".to_owned()));
        }
        self.authorities = Some(certificates);
        Ok(self)
    }

    /// Keeps its tables in this schema, made when it is missing: `biller_journal` by default. Journals in different schemas have nothing to
    /// do with each other.
    ///
    /// # Errors
    /// Anything but 1 to 63 lower-case letters, digits and underscores, the first no digit.
    pub fn with_schema(mut self, name: &str) -> Result<Self, StoreError> {
        let plain = name.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if !plain || name.is_empty() || name.len() > 63 || name.starts_with(|first: char| first.is_ascii_digit()) {
            let expected = "1 to 63 of a-z, 0-9 and _, the first no digit";
            return Err(StoreError::Settings(format!("the schema {name:?} has to be {expected}")));
        }
        name.clone_into(&mut self.schema);
        Ok(self)
    }

    /// Opens up to this many connections, at least one: 16 by default. One more listens for what other machines have done.
    pub fn with_connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    pub(super) fn tls(&self) -> Result<MakeRustlsConnect, StoreError> {
        let settings = |error: &dyn std::fmt::Display| StoreError::Settings(format!("TLS: {error}"));
        let mut roots = RootCertStore::empty();
        if let Some(authorities) = &self.authorities {
            for authority in authorities {
                roots.add(authority.clone()).map_err(|error| settings(&error))?;
            }
        } else if self.server.get_ssl_mode() != SslMode::Disable {
            let found = rustls_native_certs::load_native_certs();
            if roots.add_parsable_certificates(found.certs).0 == 0 {
                return Err(settings(&"the system has no certificates of authorities; give them"));
            }
        }
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| settings(&error))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(MakeRustlsConnect::new(config))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn nothing_but_disable_turns_verification_off() {
        for (address, mode) in [
            ("host/db", SslMode::Require),
            ("host/db?sslmode=prefer", SslMode::Require),
            ("host/db?sslmode=require", SslMode::Require),
            ("host/db?sslmode=verify-full", SslMode::Require),
            ("host/db?sslmode=disable", SslMode::Disable),
            ("/db?host=/var/run/postgresql&sslmode=require", SslMode::Disable),
        ] {
            let config = PostgresConfig::parse(&format!("postgres://{address}")).unwrap();
            assert_eq!(config.server.get_ssl_mode(), mode, "{address}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_without_showing_it() {
        for url in [
            "host=localhost password=hunter22",
            "mysql://u:hunter22@host/db",
            "postgres://u:hunter22@host:none/db",
            "postgres://u@host/db?hunter22=1",
            "postgres://u:hunter22@host/db?sslmode=verify-ca",
        ] {
            let error = PostgresConfig::parse(url).unwrap_err();
            assert!(matches!(error, StoreError::Settings(_)), "{error}");
            assert!(!error.to_string().contains("hunter22"), "{error}");
        }
        let config = PostgresConfig::parse("postgres://u:hunter22@host/db").unwrap();
        assert!(!format!("{config:?} {config:#?}").contains("hunter22"));
        assert!(config.clone().with_authorities(b"no certificate").is_err());
        for name in ["", "Journal", "1st", "a-b", "x\"y", &"a".repeat(64)] {
            assert!(config.clone().with_schema(name).is_err(), "{name}");
        }
        assert_eq!(config.with_schema("journal_2").unwrap().schema, "journal_2");
    }
}
