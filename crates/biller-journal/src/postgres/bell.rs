use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio_postgres::{AsyncMessage, Socket, tls::MakeTlsConnect};

use super::PostgresConfig;
use crate::StoreError;

/// The least time between two notifications.
const PAUSE: Duration = Duration::from_millis(20);
/// The wait before a lost connection is made anew.
const TROUBLE: Duration = Duration::from_secs(1);

/// Tells other machines that something has changed, and hears it from them, over a connection of its own.
///
/// Not inside the transactions that change something: a transaction that notifies commits alone, and the others would queue behind it.
pub(super) struct Bell {
    rung: Arc<Notify>,
    heard: watch::Receiver<u64>,
    task: AbortHandle,
}

impl Bell {
    pub(super) fn hang(config: &PostgresConfig) -> Result<Self, StoreError> {
        let (config, tls) = (config.clone(), config.tls()?);
        let rung = Arc::new(Notify::new());
        let (count, heard) = watch::channel(0);
        let ringing = rung.clone();
        let task = tokio::spawn(async move {
            loop {
                if let Err(error) = attend(&config, tls.clone(), &ringing, &count).await {
                    tracing::warn!(%error, "the connection that listens was lost; polling goes on");
                }
                tokio::time::sleep(TROUBLE).await;
            }
        });
        Ok(Self { rung, heard, task: task.abort_handle() })
    }

    pub(super) fn ring(&self) {
        self.rung.notify_one();
    }

    pub(super) async fn changed(&self, seen: u64) -> u64 {
        let count = self.heard.clone().wait_for(|count| *count != seen).await.map(|count| *count);
        match count {
            Ok(count) => count,
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Listens and rings over one connection until it breaks.
async fn attend(
    config: &PostgresConfig,
    tls: impl MakeTlsConnect<Socket, Stream: Send + 'static>,
    rung: &Notify,
    count: &watch::Sender<u64>,
) -> Result<(), tokio_postgres::Error> {
    let heard = || count.send_modify(|count| *count = count.wrapping_add(1));
    let (client, mut connection) = config.server.connect(tls).await?;
    let ours = watch::Sender::new(None);
    let ringing = async {
        let own: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await?.get(0);
        ours.send_replace(Some(own));
        // A hint need not wait for the disk.
        client.batch_execute(&format!("SET synchronous_commit = off; LISTEN \"{}\"", config.schema)).await?;
        // Something may have happened while nobody listened.
        heard();
        loop {
            rung.notified().await;
            client.batch_execute(&format!("NOTIFY \"{}\"", config.schema)).await?;
            tokio::time::sleep(PAUSE).await;
        }
    };
    let listening = async {
        loop {
            match poll_fn(|context| connection.poll_message(context)).await {
                Some(Ok(AsyncMessage::Notification(from))) if *ours.borrow() != Some(from.process_id()) => heard(),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            }
        }
    };
    tokio::select! {
        ended = ringing => ended,
        ended = listening => ended,
    }
}
