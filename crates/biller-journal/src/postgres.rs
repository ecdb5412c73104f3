//! The store for several machines.

mod bell;
mod config;

use std::error::Error as _;
use std::ops::Deref;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use biller_core::{Attempt, BoxFuture, Reference, Timestamp};
use deadpool_postgres::{Hook, HookError, Manager, Object, Pool, PoolError, Runtime};
use futures_util::future::{join_all, join3};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

pub use self::config::PostgresConfig;

use self::bell::Bell;
use crate::row::{COLUMNS, EVENT_COLUMNS, OPEN, RawEvent, RawPurchase, count, text, unreadable};
use crate::{Change, Claim, Event, Purchase, State, Stats, Store, StoreError, StoredHint, Submission};

/// Each brings the schema from the version that is its index to the next one.
const MIGRATIONS: &[&str] = &[include_str!("postgres/1.sql"), include_str!("postgres/2.sql")];
/// What every connection is set to. A machine that vanishes inside a transaction must not hold its rows for long.
const SESSION: &str = "SET synchronous_commit = on; SET default_transaction_isolation = 'read committed';
    SET idle_in_transaction_session_timeout = '30s'; SET lock_timeout = '30s'";
/// The longest wait for a connection of the pool to come about, beside the URL's own.
const OPENING: Duration = Duration::from_secs(20);

/// A store in one schema of a PostgreSQL database, 12 or newer, which any number of machines share.
///
/// What a call has returned is committed with `synchronous_commit=on`. Each write is a transaction of its own, so that the server's group
/// commit serves many at once. After a lost connection the call's effect is not known ([`StoreError::Unavailable`]); the connection is
/// replaced by the next call. Clones share the connections.
#[derive(Clone)]
pub struct PostgresStore {
    inner: Arc<Inner>,
}

struct Inner {
    pool: Pool,
    schema: String,
    bell: Bell,
}

impl PostgresStore {
    /// Connects, and brings the schema up to date. Machines that do so at once wait for each other.
    ///
    /// Has to be called inside a tokio runtime with I/O and timers, and used in that one.
    ///
    /// # Errors
    /// Settings of no use, a server that is not reached or lets nobody in, a database whose encoding is not UTF-8, or a schema that is
    /// newer than this version knows.
    pub async fn connect(config: PostgresConfig) -> Result<Self, StoreError> {
        let session = format!("SET search_path = \"{}\"; {SESSION}", config.schema);
        let set = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
            let session = session.clone();
            Box::pin(async move { client.batch_execute(&session).await.map_err(HookError::Backend) })
        });
        let pool = Pool::builder(Manager::new(config.server.clone(), config.tls()?))
            .max_size(config.connections)
            .runtime(Runtime::Tokio1)
            .create_timeout(Some(OPENING))
            .post_create(set)
            .build()
            .map_err(|error| StoreError::Settings(error.to_string()))?;
        migrate(&pool, &config.schema).await?;
        let bell = Bell::hang(&config)?;
        Ok(Self { inner: Arc::new(Inner { pool, schema: config.schema, bell }) })
    }
}

/// A connection inside a transaction. Dropped before its end, it is closed instead of going back to the pool, and the server rolls back.
struct Transaction(Option<Object>);

impl Transaction {
    /// Nothing of the transaction may be left when this is called.
    fn over(mut self) {
        self.0.take();
    }

    async fn commit(self) -> Result<(), StoreError> {
        self.batch_execute("COMMIT").await.map_err(unavailable)?;
        self.over();
        Ok(())
    }

    async fn roll_back(self) {
        if self.batch_execute("ROLLBACK").await.is_ok() {
            self.over();
        }
    }
}

impl Deref for Transaction {
    type Target = Object;

    fn deref(&self) -> &Object {
        self.0.as_ref().expect("a connection until the end")
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        drop(self.0.take().map(Object::take));
    }
}

type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

impl Inner {
    async fn query(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, StoreError> {
        query(&client(&self.pool).await?, sql, values).await
    }

    async fn execute(&self, sql: &str, values: Values<'_>) -> Result<u64, StoreError> {
        execute(&client(&self.pool).await?, sql, values).await
    }

    async fn purchases(&self, condition: &str, values: Values<'_>) -> Result<Vec<Purchase>, StoreError> {
        let rows = self.query(&format!("SELECT {COLUMNS} FROM purchases WHERE {condition}"), values).await?;
        rows.iter().map(purchase).collect()
    }

    async fn submit(&self, purchase: &Purchase, event: &Event) -> Result<Submission, StoreError> {
        let reference = purchase.order.reference().as_str();
        let sql = "WITH stored AS (
                INSERT INTO purchases (reference, provider, customer, content, state, submitted_at, changed_at, due_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (reference) DO NOTHING RETURNING reference)
            INSERT INTO events (reference, provider, at, from_state, to_state, cause, evidence)
            SELECT reference, $2, $9, $10, $11, $12, $13 FROM stored";
        let (customer, content, evidence) =
            (purchase.order.plain_customer(), text(&purchase.order)?, storable(&event.evidence));
        let (submitted_at, changed_at) = (purchase.submitted_at.unix_millis(), purchase.changed_at.unix_millis());
        let (due_at, at) = (purchase.due_at.map(Timestamp::unix_millis), event.at.unix_millis());
        let (from, to) = (event.from.map(State::word), event.to.map(State::word));
        let (state, cause) = (purchase.state.word(), event.cause.word());
        let values: Values<'_> = &[
            &reference,
            &purchase.provider,
            &customer,
            &content,
            &state,
            &submitted_at,
            &changed_at,
            &due_at,
            &at,
            &from,
            &to,
            &cause,
            &evidence,
        ];
        if self.execute(sql, values).await? == 1 {
            self.bell.ring();
            return Ok(Submission::Stored);
        }
        let existing = self.purchases("reference = $1", &[&reference]).await?.pop();
        let existing = existing.ok_or_else(|| StoreError::Unavailable(format!("{reference} vanished")))?;
        Ok(Submission::Exists(Box::new(existing)))
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Purchase>, StoreError> {
        let sql = format!(
            "WITH due AS MATERIALIZED (
                SELECT reference FROM purchases WHERE provider = $1 AND due_at <= $2 AND lease_until <= $2
                ORDER BY due_at, reference LIMIT $3 FOR UPDATE SKIP LOCKED)
             UPDATE purchases SET fence = fence + 1, lease_until = $4
             WHERE reference IN (SELECT reference FROM due) RETURNING {COLUMNS}"
        );
        let limit = i64::try_from(claim.limit).unwrap_or(i64::MAX);
        let (now, until) = (claim.now.unix_millis(), claim.lease_until.unix_millis());
        let rows = self.query(&sql, &[&claim.provider, &now, &limit, &until]).await?;
        let mut taken = rows.iter().map(purchase).collect::<Result<Vec<_>, _>>()?;
        taken.sort_by(|a, b| (a.due_at, a.order.reference()).cmp(&(b.due_at, b.order.reference())));
        Ok(taken)
    }

    /// Two turns to the server: lock and look, then write and commit.
    async fn write(&self, change: &Change) -> Result<(), StoreError> {
        let purchase = &change.purchase;
        let reference = purchase.order.reference().as_str();
        let key = purchase.attempt.as_ref().map(Attempt::key);
        let attempt = purchase.attempt.as_ref().map(text).transpose()?;

        let transaction = Transaction(Some(client(&self.pool).await?));
        let looking = transaction.prepare_cached(&LOOK).await.map_err(unavailable)?;
        let updating = transaction.prepare_cached(UPDATE).await.map_err(unavailable)?;
        let appending = transaction.prepare_cached(APPEND).await.map_err(unavailable)?;
        let mut locks = Vec::new();
        if change.guard.is_some() {
            // Whoever pauses waits for us, and so does whoever sends an equal purchase: what is looked at next stays so.
            locks.push(Lock::Sending(&purchase.provider));
            locks.extend(key.map(|key| Lock::Key(&purchase.provider, key)));
        }
        let begin = beginning(&self.schema, &locks);
        let (guarded, exclusive) = (change.guard.is_some(), change.guard.is_some_and(|guard| guard.key_must_be_free));
        let values: Values<'_> = &[&reference, &purchase.provider, &guarded, &key, &exclusive];
        let (begun, found, owner) = join3(
            transaction.batch_execute(&begin),
            transaction.query_opt(&looking, values),
            owner_of_issued(&transaction, &change.issued, reference),
        )
        .await;
        begun.map_err(unavailable)?;
        let (found, owner) = (found.map_err(unavailable)?, owner?);
        let stored = found.as_ref().map(|row| (row.get(0), row.get(1)));
        let (note, open) = found.as_ref().map_or((None, None), |row| (row.get(2), row.get(3)));
        let refused = match (change.applies_to(stored), note, open) {
            (Err(refused), _, _) => Some(refused),
            (Ok(()), Some(note), _) => Some(StoreError::Paused(note)),
            (Ok(()), None, Some(open)) => Some(StoreError::EqualOpen(open)),
            (Ok(()), None, None) => None,
        };
        if let Some(refused) = refused {
            transaction.roll_back().await;
            return Err(refused);
        }
        if !change.followed.is_empty() {
            let followed = "UPDATE hints SET followed = true WHERE id = ANY($1) AND reference = $2";
            execute(&transaction, followed, &[&change.followed, &reference]).await?;
        }
        let shared = owner.map(|owner| change.serial_shared(&owner));
        let reason =
            shared.as_ref().map(|event| &event.evidence).or(purchase.reason.as_ref()).map(|words| storable(words));
        let (changed_at, due_at) = (purchase.changed_at.unix_millis(), purchase.due_at.map(Timestamp::unix_millis));
        let (rank, tries) = (i64::from(purchase.receipt_rank), i64::from(purchase.tries));
        let (state, now) = (purchase.state.word(), change.now.unix_millis());
        let values: Values<'_> = &[
            &reference,
            &state,
            &reason,
            &attempt,
            &key,
            &changed_at,
            &due_at,
            &rank,
            &tries,
            &change.receipt,
            &change.release,
            &change.raise_fence,
            &now,
        ];
        let events = change.events.iter().chain(&shared).map(|event| append(&transaction, &appending, event));
        let (updated, appended, committed) =
            join3(transaction.execute(&updating, values), join_all(events), transaction.batch_execute("COMMIT")).await;
        // After a failure among them the server has answered the commit by rolling back.
        let appended = appended.into_iter().collect::<Result<Vec<_>, _>>();
        updated.and(appended).and(committed).map_err(unavailable)?;
        transaction.over();
        self.bell.ring();
        Ok(())
    }

    async fn add_hint(&self, hint: &StoredHint, limit: usize) -> Result<bool, StoreError> {
        let (reference, at) = (hint.reference.as_str(), hint.at.unix_millis());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let transaction = begin(&self.pool, &self.schema, &[]).await?;
        // Before the hint is there, so that a write of the purchase either sees the hint or comes before it.
        let locked = "SELECT FROM purchases WHERE reference = $1 FOR UPDATE";
        let exists = !query(&transaction, locked, &[&reference]).await?.is_empty();
        let insert = "INSERT INTO hints (reference, at, digest, sealed) SELECT $1, $2, $3, $4
            WHERE (SELECT count(*) FROM hints WHERE reference = $1) < $5 ON CONFLICT (reference, digest) DO NOTHING";
        let values: Values<'_> = &[&reference, &at, &hint.digest, &hint.sealed, &limit];
        if !exists || execute(&transaction, insert, values).await? == 0 {
            transaction.roll_back().await;
            return Ok(false);
        }
        let due = "UPDATE purchases SET due_at = least(due_at, $2) WHERE reference = $1";
        execute(&transaction, due, &[&reference, &at]).await?;
        transaction.commit().await?;
        self.bell.ring();
        Ok(true)
    }

    /// Numbers up to `limit` committed events that have no number yet, of one purchase or of all.
    ///
    /// Ids are given before a commit, so a reader that went by them could step over an event whose transaction commits late. Numbers are
    /// given here, under a lock, to what is committed: whatever commits later gets a higher one. Events of one purchase have their ids in
    /// the order of their commits, since each write holds the purchase's row.
    async fn number(&self, reference: Option<&str>, limit: i64) -> Result<(), StoreError> {
        let unnumbered = match reference {
            Some(_) => "FROM events WHERE number IS NULL AND reference = $1",
            None => "FROM events WHERE number IS NULL AND $1::text IS NULL",
        };
        let any = format!("SELECT EXISTS (SELECT {unnumbered})");
        if !self.query(&any, &[&reference]).await?.iter().any(|row| row.get(0)) {
            return Ok(());
        }
        let transaction = begin(&self.pool, &self.schema, &[Lock::Numbers]).await?;
        let number = format!(
            "WITH fresh AS (SELECT id, row_number() OVER (ORDER BY id) AS place
                FROM (SELECT id {unnumbered} ORDER BY id LIMIT $2) AS unnumbered)
             UPDATE events SET number = place + (SELECT coalesce(max(number), 0) FROM events)
             FROM fresh WHERE events.id = fresh.id"
        );
        execute(&transaction, &number, &[&reference, &limit]).await?;
        transaction.commit().await
    }

    async fn set_paused(&self, provider: &str, note: Option<&str>) -> Result<(), StoreError> {
        let transaction = begin(&self.pool, &self.schema, &[Lock::Pausing(provider)]).await?;
        match note.map(storable) {
            Some(note) => {
                let insert = "INSERT INTO pauses (provider, note) VALUES ($1, $2)
                    ON CONFLICT (provider) DO UPDATE SET note = excluded.note";
                execute(&transaction, insert, &[&provider, &note]).await?
            }
            None => execute(&transaction, "DELETE FROM pauses WHERE provider = $1", &[&provider]).await?,
        };
        transaction.commit().await?;
        self.bell.ring();
        Ok(())
    }

    async fn stats(&self) -> Result<Stats, StoreError> {
        let rows = self.query("SELECT provider, state, count(*) FROM purchases GROUP BY provider, state", &[]).await?;
        let counts = rows.iter().map(|row| count((row.get(0), row.get(1), row.get(2)))).collect::<Result<_, _>>()?;
        let oldest = "SELECT min(submitted_at) FROM purchases WHERE state NOT IN ('succeeded', 'failed')";
        let oldest: Option<i64> = self.query(oldest, &[]).await?.first().and_then(|row| row.get(0));
        Ok(Stats { counts, oldest_unresolved: oldest.map(Timestamp::from_unix_millis) })
    }
}

static LOOK: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT state, fence, (SELECT note FROM pauses WHERE provider = $2 AND $3),
            (SELECT reference FROM purchases WHERE provider = $2 AND key = $4 AND state IN {OPEN} AND reference <> $1 AND $5 LIMIT 1)
            FROM purchases WHERE reference = $1 FOR UPDATE"
    )
});
const UPDATE: &str = "UPDATE purchases SET state = $2, reason = $3, attempt = $4, key = $5, changed_at = $6,
    due_at = CASE WHEN $2 NOT IN ('created', 'prepared')
        AND EXISTS (SELECT FROM hints WHERE hints.reference = $1 AND NOT followed) THEN least($7::bigint, $13::bigint) ELSE $7::bigint END,
    receipt_rank = $8, tries = $9, receipt = coalesce($10, receipt),
    lease_until = CASE WHEN $11 THEN 0 ELSE lease_until END, fence = CASE WHEN $12 THEN fence + 1 ELSE fence END
    WHERE reference = $1";
const APPEND: &str = "INSERT INTO events (reference, provider, at, from_state, to_state, cause, evidence)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// What a transaction holds until its end, in this order, so that no two wait for each other.
enum Lock<'a> {
    Migrations,
    Numbers,
    /// Shared by all that begin to send to a provider.
    Sending(&'a str),
    /// Alone, against all that begin to send to a provider.
    Pausing(&'a str),
    /// Against whoever begins to send an equal purchase: a provider and a key.
    Key(&'a str, &'a str),
}

impl Lock<'_> {
    fn sql(&self, schema: &str) -> String {
        let (function, name) = match self {
            Self::Migrations => ("pg_advisory_xact_lock", "migrations".to_owned()),
            Self::Numbers => ("pg_advisory_xact_lock", "numbers".to_owned()),
            Self::Sending(provider) => ("pg_advisory_xact_lock_shared", format!("sending\n{provider}")),
            Self::Pausing(provider) => ("pg_advisory_xact_lock", format!("sending\n{provider}")),
            Self::Key(provider, key) => ("pg_advisory_xact_lock", format!("key\n{provider}\n{key}")),
        };
        let digest = digest(&SHA256, format!("biller-journal\n{schema}\n{name}").as_bytes());
        // The server's locks are named by 64 bits; a coincidence would only make somebody wait.
        let number = digest.as_ref().iter().take(8).fold(0_i64, |number, byte| (number << 8) | i64::from(*byte));
        format!("{function}({number})")
    }
}

/// Takes a connection.
async fn client(pool: &Pool) -> Result<Object, StoreError> {
    pool.get().await.map_err(|error| match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => unavailable(error),
        error => StoreError::Unavailable(error.to_string()),
    })
}

/// Begins a transaction that holds these locks.
async fn begin(pool: &Pool, schema: &str, locks: &[Lock<'_>]) -> Result<Transaction, StoreError> {
    let transaction = Transaction(Some(client(pool).await?));
    transaction.batch_execute(&beginning(schema, locks)).await.map_err(unavailable)?;
    Ok(transaction)
}

fn beginning(schema: &str, locks: &[Lock<'_>]) -> String {
    let locks: Vec<String> = locks.iter().map(|lock| lock.sql(schema)).collect();
    if locks.is_empty() { "BEGIN".to_owned() } else { format!("BEGIN; SELECT {}", locks.join(", ")) }
}

async fn migrate(pool: &Pool, schema: &str) -> Result<(), StoreError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let transaction = begin(pool, schema, &[]).await?;
    // Another machine's migration may take its time.
    transaction.batch_execute("SET LOCAL lock_timeout = 0").await.map_err(unavailable)?;
    let lock = format!("SELECT {}", Lock::Migrations.sql(schema));
    transaction.batch_execute(&lock).await.map_err(unavailable)?;
    let state = "SELECT current_setting('server_encoding'), to_regnamespace($1) IS NOT NULL,
        to_regclass($1 || '.migrations') IS NOT NULL";
    let row = transaction.query_one(state, &[&schema]).await.map_err(unavailable)?;
    let (encoding, has_schema, has_versions): (&str, bool, bool) = (row.get(0), row.get(1), row.get(2));
    if encoding != "UTF8" {
        return Err(StoreError::Settings(format!("the database's encoding is {encoding}; it has to be UTF8")));
    }
    let found: i64 = if has_versions {
        let version = "SELECT coalesce(max(version), 0) FROM migrations";
        transaction.query_one(version, &[]).await.map_err(unavailable)?.get(0)
    } else {
        0
    };
    if found > known {
        return Err(StoreError::NewerSchema { found, known });
    }
    let mut steps = String::new();
    if !has_schema {
        steps += &format!("CREATE SCHEMA \"{schema}\";");
    }
    if !has_versions {
        steps += "CREATE TABLE migrations (version BIGINT PRIMARY KEY, applied_at TIMESTAMPTZ NOT NULL DEFAULT now());";
    }
    for (step, version) in MIGRATIONS.iter().zip(1_i64..).skip(usize::try_from(found).map_err(unreadable)?) {
        steps += &format!("{step};\nINSERT INTO migrations (version) VALUES ({version});");
    }
    transaction.batch_execute(&steps).await.map_err(unavailable)?;
    transaction.commit().await
}

async fn query(client: &Object, sql: &str, values: Values<'_>) -> Result<Vec<Row>, StoreError> {
    let statement = client.prepare_cached(sql).await.map_err(unavailable)?;
    client.query(&statement, values).await.map_err(unavailable)
}

async fn execute(client: &Object, sql: &str, values: Values<'_>) -> Result<u64, StoreError> {
    let statement = client.prepare_cached(sql).await.map_err(unavailable)?;
    client.execute(&statement, values).await.map_err(unavailable)
}

/// The purchase that first stored one of the digests, when it is another one than `reference`.
async fn owner_of_issued(
    client: &Object,
    issued: &[Vec<u8>],
    reference: &str,
) -> Result<Option<Reference>, StoreError> {
    if issued.is_empty() {
        return Ok(None);
    }
    // In one order for all, so that no two wait for each other.
    let insert =
        "INSERT INTO issued (digest, reference) SELECT digest, $2 FROM unnest($1::bytea[]) AS digest ORDER BY digest
        ON CONFLICT (digest) DO NOTHING";
    execute(client, insert, &[&issued, &reference]).await?;
    let owner = "SELECT reference FROM issued WHERE digest = ANY($1) AND reference <> $2
        ORDER BY array_position($1, digest) DESC LIMIT 1";
    let rows = query(client, owner, &[&issued, &reference]).await?;
    rows.first().map(|row| Reference::parse(row.get::<_, &str>(0))).transpose().map_err(unreadable)
}

async fn append(
    client: &Object,
    statement: &tokio_postgres::Statement,
    event: &Event,
) -> Result<u64, tokio_postgres::Error> {
    let values: Values<'_> = &[
        &event.reference.as_ref().map(Reference::as_str),
        &event.provider,
        &event.at.unix_millis(),
        &event.from.map(State::word),
        &event.to.map(State::word),
        &event.cause.word(),
        &storable(&event.evidence),
    ];
    client.execute(statement, values).await
}

fn purchase(row: &Row) -> Result<Purchase, StoreError> {
    RawPurchase {
        provider: row.try_get(0).map_err(unreadable)?,
        content: row.try_get(1).map_err(unreadable)?,
        state: row.try_get(2).map_err(unreadable)?,
        reason: row.try_get(3).map_err(unreadable)?,
        attempt: row.try_get(4).map_err(unreadable)?,
        submitted_at: row.try_get(5).map_err(unreadable)?,
        changed_at: row.try_get(6).map_err(unreadable)?,
        due_at: row.try_get(7).map_err(unreadable)?,
        receipt_rank: row.try_get(8).map_err(unreadable)?,
        tries: row.try_get(9).map_err(unreadable)?,
        fence: row.try_get(10).map_err(unreadable)?,
    }
    .purchase()
}

fn event(row: &Row) -> Result<Event, StoreError> {
    RawEvent {
        number: row.try_get(0).map_err(unreadable)?,
        reference: row.try_get(1).map_err(unreadable)?,
        provider: row.try_get(2).map_err(unreadable)?,
        at: row.try_get(3).map_err(unreadable)?,
        from: row.try_get(4).map_err(unreadable)?,
        to: row.try_get(5).map_err(unreadable)?,
        cause: row.try_get(6).map_err(unreadable)?,
        evidence: row.try_get(7).map_err(unreadable)?,
    }
    .event()
}

/// PostgreSQL's texts cannot hold a NUL, which a provider's words may: without this the outcome beside them could never be written.
fn storable(words: &str) -> String {
    words.replace('\0', "\u{fffd}")
}

/// Without the server's details, which show rows.
fn unavailable(error: tokio_postgres::Error) -> StoreError {
    let words = match (error.as_db_error(), error.source()) {
        (Some(said), _) => format!("{} ({})", said.message(), said.code().code()),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    };
    StoreError::Unavailable(words)
}

impl Store for PostgresStore {
    fn submit<'a>(&'a self, purchase: &'a Purchase, event: &'a Event) -> BoxFuture<'a, Result<Submission, StoreError>> {
        Box::pin(self.inner.submit(purchase, event))
    }

    fn get<'a>(&'a self, reference: &'a Reference) -> BoxFuture<'a, Result<Option<Purchase>, StoreError>> {
        Box::pin(async move { Ok(self.inner.purchases("reference = $1", &[&reference.as_str()]).await?.pop()) })
    }

    fn claim<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Result<Vec<Purchase>, StoreError>> {
        Box::pin(self.inner.claim(claim))
    }

    fn renew<'a>(
        &'a self,
        reference: &'a Reference,
        fence: i64,
        until: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let sql = "UPDATE purchases SET lease_until = $1 WHERE reference = $2 AND fence = $3 AND lease_until > 0";
            match self.inner.execute(sql, &[&until.unix_millis(), &reference.as_str(), &fence]).await? {
                0 => Err(StoreError::Fenced),
                _ => Ok(()),
            }
        })
    }

    fn write<'a>(&'a self, change: &'a Change) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.inner.write(change))
    }

    fn open_with_key<'a>(
        &'a self,
        provider: &'a str,
        key: &'a str,
        reference: &'a Reference,
    ) -> BoxFuture<'a, Result<Option<Reference>, StoreError>> {
        Box::pin(async move {
            let sql = format!(
                "SELECT reference FROM purchases WHERE provider = $1 AND key = $2 AND state IN {OPEN} AND reference <> $3 LIMIT 1"
            );
            let rows = self.inner.query(&sql, &[&provider, &key, &reference.as_str()]).await?;
            rows.first().map(|row| Reference::parse(row.get::<_, &str>(0))).transpose().map_err(unreadable)
        })
    }

    fn others<'a>(&'a self, attempt: &'a Attempt) -> BoxFuture<'a, Result<Vec<Attempt>, StoreError>> {
        Box::pin(async move {
            let condition =
                "provider = $1 AND customer = $2 AND reference <> $3 AND attempt IS NOT NULL ORDER BY reference";
            let (order, provider) = (attempt.order(), attempt.provider());
            let values: Values<'_> = &[&provider, &order.plain_customer(), &order.reference().as_str()];
            let others = self.inner.purchases(condition, values).await?;
            Ok(others.into_iter().filter_map(|purchase| purchase.attempt).collect())
        })
    }

    fn next_due<'a>(
        &'a self,
        provider: &'a str,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, StoreError>> {
        Box::pin(async move {
            let sql = "SELECT least(
                (SELECT min(greatest(due_at, lease_until)) FROM purchases WHERE provider = $1 AND due_at <= $2),
                (SELECT min(due_at) FROM purchases WHERE provider = $1 AND due_at > $2))";
            let rows = self.inner.query(sql, &[&provider, &now.unix_millis()]).await?;
            Ok(rows.first().and_then(|row| row.get::<_, Option<i64>>(0)).map(Timestamp::from_unix_millis))
        })
    }

    fn add_hint<'a>(&'a self, hint: &'a StoredHint, limit: usize) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(self.inner.add_hint(hint, limit))
    }

    fn hints<'a>(&'a self, reference: &'a Reference) -> BoxFuture<'a, Result<Vec<StoredHint>, StoreError>> {
        Box::pin(async move {
            let sql = "SELECT id, at, digest, sealed FROM hints WHERE reference = $1 AND NOT followed ORDER BY id";
            let rows = self.inner.query(sql, &[&reference.as_str()]).await?;
            let hint = |row: &Row| StoredHint {
                id: row.get(0),
                reference: reference.clone(),
                at: Timestamp::from_unix_millis(row.get(1)),
                digest: row.get(2),
                sealed: row.get(3),
            };
            Ok(rows.iter().map(hint).collect())
        })
    }

    fn receipt<'a>(&'a self, reference: &'a Reference) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        Box::pin(async move {
            let sql = "SELECT receipt FROM purchases WHERE reference = $1";
            let rows = self.inner.query(sql, &[&reference.as_str()]).await?;
            Ok(rows.first().and_then(|row| row.get(0)))
        })
    }

    fn add_event<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let client = client(&self.inner.pool).await?;
            let statement = client.prepare_cached(APPEND).await.map_err(unavailable)?;
            append(&client, &statement, event).await.map_err(unavailable)?;
            self.inner.bell.ring();
            Ok(())
        })
    }

    fn events_after(&self, after: i64, limit: usize) -> BoxFuture<'_, Result<Vec<Event>, StoreError>> {
        Box::pin(async move {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            self.inner.number(None, limit).await?;
            let sql = format!("SELECT {EVENT_COLUMNS} FROM events WHERE number > $1 ORDER BY number LIMIT $2");
            self.inner.query(&sql, &[&after, &limit]).await?.iter().map(event).collect()
        })
    }

    fn events_of<'a>(&'a self, reference: &'a Reference) -> BoxFuture<'a, Result<Vec<Event>, StoreError>> {
        Box::pin(async move {
            self.inner.number(Some(reference.as_str()), i64::MAX).await?;
            let sql = format!("SELECT {EVENT_COLUMNS} FROM events WHERE reference = $1 AND number > 0 ORDER BY number");
            self.inner.query(&sql, &[&reference.as_str()]).await?.iter().map(event).collect()
        })
    }

    fn cursor<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<i64, StoreError>> {
        Box::pin(async move {
            let rows = self.inner.query("SELECT number FROM cursors WHERE name = $1", &[&name]).await?;
            Ok(rows.first().map_or(0, |row| row.get(0)))
        })
    }

    fn set_cursor<'a>(&'a self, name: &'a str, number: i64) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let sql = "INSERT INTO cursors (name, number) VALUES ($1, $2)
                ON CONFLICT (name) DO UPDATE SET number = greatest(cursors.number, excluded.number)";
            self.inner.execute(sql, &[&name, &number]).await.map(drop)
        })
    }

    fn set_paused<'a>(&'a self, provider: &'a str, note: Option<&'a str>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.inner.set_paused(provider, note))
    }

    fn paused<'a>(&'a self, provider: &'a str) -> BoxFuture<'a, Result<Option<String>, StoreError>> {
        Box::pin(async move {
            let rows = self.inner.query("SELECT note FROM pauses WHERE provider = $1", &[&provider]).await?;
            Ok(rows.first().map(|row| row.get(0)))
        })
    }

    fn submitted_between<'a>(
        &'a self,
        provider: &'a str,
        from: Timestamp,
        until: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<Purchase>, StoreError>> {
        Box::pin(async move {
            let condition =
                "provider = $1 AND submitted_at >= $2 AND submitted_at < $3 ORDER BY submitted_at, reference";
            self.inner.purchases(condition, &[&provider, &from.unix_millis(), &until.unix_millis()]).await
        })
    }

    fn changed(&self, seen: u64) -> BoxFuture<'_, u64> {
        Box::pin(self.inner.bell.changed(seen))
    }

    fn stats(&self) -> BoxFuture<'_, Result<Stats, StoreError>> {
        Box::pin(self.inner.stats())
    }
}
