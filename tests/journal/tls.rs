//! PostgreSQL over TCP: only to a server whose certificate is proven, and never in the clear by itself.

use std::path::PathBuf;
use std::sync::Arc;

use biller_journal::{PostgresConfig, PostgresStore, Store as _, StoreError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_postgres::config::Host;
use tokio_rustls::TlsAcceptor;

use crate::contract::stored;
use crate::reference;

/// PostgreSQL's request for TLS, which comes before anything else.
const TLS_PLEASE: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// The tests' server behind a port of its own that speaks TLS, as `name`.
struct Encrypted {
    authority: CertifiedIssuer<'static, KeyPair>,
    port: u16,
    schema: String,
}

impl Encrypted {
    async fn server(test: &str, name: &str) -> Option<Self> {
        let server: tokio_postgres::Config = biller_tests::postgres::url(test)?.parse().unwrap();
        let [Host::Unix(folder), ..] = server.get_hosts() else { panic!("the tests' server is on a Unix socket") };
        let socket = folder.join(".s.PGSQL.5432");

        let authority = authority();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.into()], key.into())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass_on(stream, acceptor.clone(), socket.clone()));
            }
        });
        Some(Self { authority, port, schema: format!("t{}_{test}", std::process::id()) })
    }

    /// Its address with `options`, trusting that authority.
    fn config(&self, options: &str, authority: &CertifiedIssuer<'_, KeyPair>) -> PostgresConfig {
        let url = format!("postgres://biller:hunter22@localhost:{}/postgres{options}", self.port);
        let config = PostgresConfig::parse(&url).unwrap().with_schema(&self.schema).unwrap();
        config.with_authorities(authority.pem().as_bytes()).unwrap()
    }
}

async fn pass_on(mut stream: TcpStream, acceptor: TlsAcceptor, socket: PathBuf) {
    let mut request = [0; 8];
    stream.read_exact(&mut request).await.unwrap();
    assert_eq!(request, TLS_PLEASE);
    stream.write_all(b"S").await.unwrap();
    if let Ok(mut encrypted) = acceptor.accept(stream).await {
        let mut server = UnixStream::connect(socket).await.unwrap();
        let _ = copy_bidirectional(&mut encrypted, &mut server).await;
    }
}

#[tokio::test]
async fn a_server_with_a_proven_certificate_is_worked_with() {
    let Some(server) = Encrypted::server("tls_proven", "localhost").await else { return };
    for (name, options) in [("A-1", ""), ("A-2", "?sslmode=verify-full")] {
        let store = PostgresStore::connect(server.config(options, &server.authority)).await.unwrap();
        stored(&store, name).await;
        assert!(store.get(&reference(name)).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_server_with_a_certificate_of_another_name_or_authority_is_refused() {
    let Some(right) = Encrypted::server("tls_authority", "localhost").await else { return };
    let Some(other) = Encrypted::server("tls_name", "db.example").await else { return };
    for config in [right.config("?sslmode=require", &authority()), other.config("", &other.authority)] {
        let error = PostgresStore::connect(config).await.err().unwrap();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
        assert!(error.to_string().contains("certificate"), "{error}");
        assert!(!error.to_string().contains("hunter22"), "{error}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_refused_unless_told_otherwise() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    // A server that says no to the request for TLS, and keeps what comes after.
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 8];
        stream.read_exact(&mut request).await.unwrap();
        stream.write_all(b"N").await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        rest
    });
    let config = PostgresConfig::parse(&format!("postgres://u:hunter22@127.0.0.1:{port}/db")).unwrap();
    let error = PostgresStore::connect(config).await.err().unwrap();
    assert!(error.to_string().contains("TLS"), "{error}");
    assert!(heard.await.unwrap().is_empty(), "something was sent in the clear");
}
