//! The embedded store.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use biller_core::{Attempt, BoxFuture, Reference, Timestamp};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, named_params, params};
use tokio::sync::oneshot;

use crate::row::{COLUMNS, EVENT_COLUMNS, OPEN, RawEvent, RawPurchase, count, text, unreadable};
use crate::{Change, Claim, Event, Purchase, State, Stats, Store, StoreError, StoredHint, Submission};

/// Each brings the schema from the version that is its index to the next one.
const MIGRATIONS: &[&str] = &[include_str!("sqlite/1.sql"), include_str!("sqlite/2.sql")];

/// A store in one SQLite file, or in memory.
///
/// The file is in WAL mode with `synchronous=FULL`: what a call has returned survives a power cut. Calls that arrive while a
/// commit runs share the next one. Several processes on one machine may open the same file; network file systems are not for it.
#[derive(Clone)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

struct Inner {
    connection: Mutex<Connection>,
    queue: Mutex<Queue>,
    /// Whether calls run on a thread of their own, because they wait for a disk.
    on_disk: bool,
}

#[derive(Default)]
struct Queue {
    jobs: Vec<Job>,
    /// Whether somebody is emptying it.
    busy: bool,
}

/// Runs inside the transaction; says whether its writes are to stay, and what is left to do once the commit's result is known.
type Job = Box<dyn FnOnce(&Connection) -> (bool, Report) + Send>;
type Report = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

impl SqliteStore {
    /// Opens a file, or makes it, and brings its schema up to date.
    ///
    /// # Errors
    /// A file that cannot be opened, that is no SQLite database, or whose schema is newer than this version knows.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let connection = Connection::open(path).map_err(unavailable)?;
        connection.busy_timeout(Duration::from_secs(10)).map_err(unavailable)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(unavailable)?;
        Self::over(connection, true)
    }

    /// A store that is gone with its last clone: for tests and examples.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::over(Connection::open_in_memory().map_err(unavailable)?, false)
    }

    /// Lets the file grow to so many pages of 4 KiB at most, or to what it has when that is more, until another number is given: so a
    /// journal never fills a disk that others need. Beyond it the store fails as on a full disk. Counts for this handle and its clones.
    ///
    /// # Errors
    /// A store that does not work.
    pub async fn limit_pages(&self, pages: u32) -> Result<(), StoreError> {
        self.run(move |connection| {
            connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).map_err(unavailable)
        })
        .await
    }

    fn over(mut connection: Connection, on_disk: bool) -> Result<Self, StoreError> {
        connection.pragma_update(None, "synchronous", "FULL").map_err(unavailable)?;
        connection.set_prepared_statement_cache_capacity(64);
        // Else every run of a statement that a partial index may serve is planned anew, for its values.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(unavailable)?;
        migrate(&mut connection)?;
        let inner = Inner { connection: Mutex::new(connection), queue: Mutex::default(), on_disk };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Runs `work` in the next transaction; its result counts once that is committed.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, result) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let done = work(connection);
            let keep = done.is_ok();
            let report: Report = Box::new(|committed| {
                let _ = reply.send(match (committed, done) {
                    // What went wrong here is the better reason.
                    (Err(_), Err(own @ StoreError::Unavailable(_))) => Err(own),
                    (committed, done) => committed.and(done),
                });
            });
            (keep, report)
        });
        let idle = {
            let mut queue = lock(&self.inner.queue);
            queue.jobs.push(job);
            !std::mem::replace(&mut queue.busy, true)
        };
        if idle {
            let inner = self.inner.clone();
            if self.inner.on_disk {
                tokio::task::spawn_blocking(move || inner.empty_queue());
            } else {
                inner.empty_queue();
            }
        }
        result.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the store's thread is gone".to_owned())))
    }
}

impl Inner {
    fn empty_queue(&self) {
        loop {
            let jobs = {
                let mut queue = lock(&self.queue);
                if queue.jobs.is_empty() {
                    queue.busy = false;
                    return;
                }
                std::mem::take(&mut queue.jobs)
            };
            self.commit_together(jobs);
        }
    }

    fn commit_together(&self, jobs: Vec<Job>) {
        let mut connection = lock(&self.connection);
        let mut reports = Vec::with_capacity(jobs.len());
        let committed = (|| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(unavailable)?;
            let run = |sql| {
                transaction.prepare_cached(sql).and_then(|mut statement| statement.execute([])).map_err(unavailable)
            };
            for job in jobs {
                run("SAVEPOINT job")?;
                let (keep, report) = job(&transaction);
                reports.push(report);
                if transaction.is_autocommit() {
                    // SQLite itself takes the whole transaction back when the disk is full.
                    return Err(StoreError::Unavailable("another write of the same commit failed".to_owned()));
                }
                if !keep {
                    run("ROLLBACK TO job")?;
                }
                run("RELEASE job")?;
            }
            transaction.commit().map_err(unavailable)
        })();
        drop(connection);
        for report in reports {
            report(committed.clone());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unavailable(error: rusqlite::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(unavailable)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(unavailable)?;
    if found > known {
        return Err(StoreError::NewerSchema { found, known });
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).map_err(unreadable)?) {
        transaction.execute_batch(migration).map_err(unavailable)?;
    }
    transaction.pragma_update(None, "user_version", known).map_err(unavailable)?;
    transaction.commit().map_err(unavailable)
}

impl RawPurchase {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            provider: row.get(0)?,
            content: row.get(1)?,
            state: row.get(2)?,
            reason: row.get(3)?,
            attempt: row.get(4)?,
            submitted_at: row.get(5)?,
            changed_at: row.get(6)?,
            due_at: row.get(7)?,
            receipt_rank: row.get(8)?,
            tries: row.get(9)?,
            fence: row.get(10)?,
        })
    }
}

impl RawEvent {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get(0)?,
            reference: row.get(1)?,
            provider: row.get(2)?,
            at: row.get(3)?,
            from: row.get(4)?,
            to: row.get(5)?,
            cause: row.get(6)?,
            evidence: row.get(7)?,
        })
    }
}

fn purchases(
    connection: &Connection,
    sql: &str,
    values: &[(&str, &dyn rusqlite::ToSql)],
) -> Result<Vec<Purchase>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(unavailable)?;
    let rows = statement.query_map(values, RawPurchase::read).map_err(unavailable)?;
    rows.map(|row| row.map_err(unavailable).and_then(RawPurchase::purchase)).collect()
}

fn find(connection: &Connection, reference: &str) -> Result<Option<Purchase>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM purchases WHERE reference = :reference");
    Ok(purchases(connection, &sql, named_params! { ":reference": reference })?.pop())
}

fn append(connection: &Connection, event: &Event) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO events (reference, provider, at, from_state, to_state, cause, evidence) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                event.reference.as_ref().map(Reference::as_str),
                event.provider,
                event.at.unix_millis(),
                event.from.map(State::word),
                event.to.map(State::word),
                event.cause.word(),
                event.evidence,
            ])
        })
        .map(drop)
        .map_err(unavailable)
}

fn events(
    connection: &Connection,
    condition: &str,
    values: &[(&str, &dyn rusqlite::ToSql)],
) -> Result<Vec<Event>, StoreError> {
    let sql = format!("SELECT {EVENT_COLUMNS} FROM events {condition}");
    let mut statement = connection.prepare_cached(&sql).map_err(unavailable)?;
    let rows = statement.query_map(values, RawEvent::read).map_err(unavailable)?;
    rows.map(|row| row.map_err(unavailable).and_then(RawEvent::event)).collect()
}

fn open_with_key(
    connection: &Connection,
    provider: &str,
    key: &str,
    reference: &str,
) -> Result<Option<String>, StoreError> {
    let sql = format!(
        "SELECT reference FROM purchases WHERE provider = ? AND key = ? AND state IN {OPEN} AND reference <> ? LIMIT 1"
    );
    connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.query_row(params![provider, key, reference], |row| row.get(0)).optional())
        .map_err(unavailable)
}

fn paused(connection: &Connection, provider: &str) -> Result<Option<String>, StoreError> {
    connection
        .prepare_cached("SELECT note FROM pauses WHERE provider = ?")
        .and_then(|mut statement| statement.query_row([provider], |row| row.get(0)).optional())
        .map_err(unavailable)
}

/// The purchase that first stored one of the digests, when it is another one than `reference`.
fn owner_of_issued(
    connection: &Connection,
    issued: &[Vec<u8>],
    reference: &str,
) -> Result<Option<Reference>, StoreError> {
    let mut shared = None;
    for digest in issued {
        let owner: String = connection
            .prepare_cached("INSERT OR IGNORE INTO issued (digest, reference) VALUES (?, ?)")
            .and_then(|mut statement| statement.execute(params![digest, reference]))
            .and_then(|_| connection.prepare_cached("SELECT reference FROM issued WHERE digest = ?"))
            .and_then(|mut statement| statement.query_row([digest], |row| row.get(0)))
            .map_err(unavailable)?;
        if owner != reference {
            shared = Some(Reference::parse(&owner).map_err(unreadable)?);
        }
    }
    Ok(shared)
}

fn apply(connection: &Connection, change: &Change) -> Result<(), StoreError> {
    let purchase = &change.purchase;
    let reference = purchase.order.reference().as_str();
    let stored = connection
        .prepare_cached("SELECT state, fence FROM purchases WHERE reference = ?")
        .and_then(|mut statement| {
            statement.query_row([reference], |row| Ok((row.get::<_, String>(0)?, row.get(1)?))).optional()
        })
        .map_err(unavailable)?;
    change.applies_to(stored.as_ref().map(|(state, fence)| (state.as_str(), *fence)))?;
    let key = purchase.attempt.as_ref().map(Attempt::key);
    if let Some(guard) = change.guard {
        if let Some(note) = paused(connection, &purchase.provider)? {
            return Err(StoreError::Paused(note));
        }
        if guard.key_must_be_free
            && let Some(key) = key
            && let Some(open) = open_with_key(connection, &purchase.provider, key, reference)?
        {
            return Err(StoreError::EqualOpen(open));
        }
    }
    let shared = owner_of_issued(connection, &change.issued, reference)?.map(|owner| change.serial_shared(&owner));
    let reason = shared.as_ref().map(|event| &event.evidence).or(purchase.reason.as_ref());
    for id in &change.followed {
        connection
            .prepare_cached("UPDATE hints SET followed = 1 WHERE id = ? AND reference = ?")
            .and_then(|mut statement| statement.execute(params![id, reference]))
            .map_err(unavailable)?;
    }
    let attempt = purchase.attempt.as_ref().map(text).transpose()?;
    // A callback that came meanwhile is followed at once.
    connection
        .prepare_cached(
            "UPDATE purchases SET state = :state, reason = :reason, attempt = :attempt, key = :key, changed_at = :changed_at,
             due_at = CASE WHEN :state NOT IN ('created', 'prepared')
                 AND EXISTS (SELECT 1 FROM hints WHERE hints.reference = :reference AND NOT followed)
                 THEN min(coalesce(:due_at, :now), :now) ELSE :due_at END,
             receipt_rank = :receipt_rank, tries = :tries, receipt = coalesce(:receipt, receipt),
             lease_until = CASE WHEN :release THEN 0 ELSE lease_until END,
             fence = CASE WHEN :raise_fence THEN fence + 1 ELSE fence END
             WHERE reference = :reference",
        )
        .and_then(|mut statement| {
            statement.execute(named_params! {
                ":state": purchase.state.word(),
                ":reason": reason,
                ":attempt": attempt,
                ":key": key,
                ":changed_at": purchase.changed_at.unix_millis(),
                ":due_at": purchase.due_at.map(Timestamp::unix_millis),
                ":receipt_rank": purchase.receipt_rank,
                ":tries": purchase.tries,
                ":receipt": change.receipt,
                ":release": change.release,
                ":raise_fence": change.raise_fence,
                ":now": change.now.unix_millis(),
                ":reference": reference,
            })
        })
        .map_err(unavailable)?;
    change.events.iter().chain(&shared).try_for_each(|event| append(connection, event))
}

fn insert(connection: &Connection, purchase: &Purchase, event: &Event) -> Result<Submission, StoreError> {
    let reference = purchase.order.reference().as_str();
    if let Some(existing) = find(connection, reference)? {
        return Ok(Submission::Exists(Box::new(existing)));
    }
    let content = text(&purchase.order)?;
    connection
        .prepare_cached(
            "INSERT INTO purchases (reference, provider, customer, content, state, submitted_at, changed_at, due_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                reference,
                purchase.provider,
                purchase.order.plain_customer(),
                content,
                purchase.state.word(),
                purchase.submitted_at.unix_millis(),
                purchase.changed_at.unix_millis(),
                purchase.due_at.map(Timestamp::unix_millis),
            ])
        })
        .map_err(unavailable)?;
    append(connection, event)?;
    Ok(Submission::Stored)
}

fn claim(connection: &Connection, claim: &Claim) -> Result<Vec<Purchase>, StoreError> {
    let sql = format!(
        "UPDATE purchases SET fence = fence + 1, lease_until = :until WHERE reference IN
         (SELECT reference FROM purchases WHERE provider = :provider AND due_at <= :now AND lease_until <= :now
          ORDER BY due_at, reference LIMIT :limit)
         RETURNING {COLUMNS}"
    );
    let limit = i64::try_from(claim.limit).unwrap_or(i64::MAX);
    let mut taken = purchases(
        connection,
        &sql,
        named_params! {
            ":until": claim.lease_until.unix_millis(), ":provider": claim.provider,
            ":now": claim.now.unix_millis(), ":limit": limit,
        },
    )?;
    taken.sort_by(|a, b| (a.due_at, a.order.reference()).cmp(&(b.due_at, b.order.reference())));
    Ok(taken)
}

fn add_hint(connection: &Connection, hint: &StoredHint, limit: usize) -> Result<bool, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let added = connection
        .prepare_cached(
            "INSERT OR IGNORE INTO hints (reference, at, digest, sealed, followed)
             SELECT :reference, :at, :digest, :sealed, 0
             WHERE EXISTS (SELECT 1 FROM purchases WHERE reference = :reference)
             AND (SELECT count(*) FROM hints WHERE reference = :reference) < :limit",
        )
        .and_then(|mut statement| {
            statement.execute(named_params! {
                ":reference": hint.reference.as_str(), ":at": hint.at.unix_millis(), ":digest": hint.digest,
                ":sealed": hint.sealed, ":limit": limit,
            })
        })
        .map_err(unavailable)?;
    if added > 0 {
        connection
            .prepare_cached("UPDATE purchases SET due_at = min(coalesce(due_at, ?1), ?1) WHERE reference = ?2")
            .and_then(|mut statement| statement.execute(params![hint.at.unix_millis(), hint.reference.as_str()]))
            .map_err(unavailable)?;
    }
    Ok(added > 0)
}

fn hints(connection: &Connection, reference: &Reference) -> Result<Vec<StoredHint>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT id, at, digest, sealed FROM hints WHERE reference = ? AND NOT followed ORDER BY id")
        .map_err(unavailable)?;
    let rows = statement
        .query_map([reference.as_str()], |row| {
            Ok(StoredHint {
                id: row.get(0)?,
                reference: reference.clone(),
                at: Timestamp::from_unix_millis(row.get(1)?),
                digest: row.get(2)?,
                sealed: row.get(3)?,
            })
        })
        .map_err(unavailable)?;
    rows.map(|row| row.map_err(unavailable)).collect()
}

fn stats(connection: &Connection) -> Result<Stats, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT provider, state, count(*) FROM purchases GROUP BY provider, state")
        .map_err(unavailable)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).map_err(unavailable)?;
    let counts = rows.map(|row| row.map_err(unavailable).and_then(count)).collect::<Result<_, _>>()?;
    let oldest: Option<i64> = connection
        .prepare_cached("SELECT min(submitted_at) FROM purchases WHERE state NOT IN ('succeeded', 'failed')")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .map_err(unavailable)?;
    Ok(Stats { counts, oldest_unresolved: oldest.map(Timestamp::from_unix_millis) })
}

impl Store for SqliteStore {
    fn submit<'a>(&'a self, purchase: &'a Purchase, event: &'a Event) -> BoxFuture<'a, Result<Submission, StoreError>> {
        let (purchase, event) = (purchase.clone(), event.clone());
        Box::pin(self.run(move |connection| insert(connection, &purchase, &event)))
    }

    fn get<'a>(&'a self, reference: &'a Reference) -> BoxFuture<'a, Result<Option<Purchase>, StoreError>> {
        let reference = reference.clone();
        Box::pin(self.run(move |connection| find(connection, reference.as_str())))
    }

    fn claim<'a>(&'a self, asked: &'a Claim) -> BoxFuture<'a, Result<Vec<Purchase>, StoreError>> {
        let asked = asked.clone();
        Box::pin(self.run(move |connection| claim(connection, &asked)))
    }

    fn renew<'a>(
        &'a self,
        reference: &'a Reference,
        fence: i64,
        until: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let reference = reference.clone();
        Box::pin(self.run(move |connection| {
            let renewed = connection
                .prepare_cached(
                    "UPDATE purchases SET lease_until = ? WHERE reference = ? AND fence = ? AND lease_until > 0",
                )
                .and_then(|mut statement| statement.execute(params![until.unix_millis(), reference.as_str(), fence]))
                .map_err(unavailable)?;
            if renewed == 0 { Err(StoreError::Fenced) } else { Ok(()) }
        }))
    }

    fn write<'a>(&'a self, change: &'a Change) -> BoxFuture<'a, Result<(), StoreError>> {
        let change = change.clone();
        Box::pin(self.run(move |connection| apply(connection, &change)))
    }

    fn open_with_key<'a>(
        &'a self,
        provider: &'a str,
        key: &'a str,
        reference: &'a Reference,
    ) -> BoxFuture<'a, Result<Option<Reference>, StoreError>> {
        let (provider, key, reference) = (provider.to_owned(), key.to_owned(), reference.clone());
        Box::pin(self.run(move |connection| {
            let open = open_with_key(connection, &provider, &key, reference.as_str())?;
            open.as_deref().map(Reference::parse).transpose().map_err(unreadable)
        }))
    }

    fn others<'a>(&'a self, attempt: &'a Attempt) -> BoxFuture<'a, Result<Vec<Attempt>, StoreError>> {
        let provider = attempt.provider().to_owned();
        let (customer, reference) = (attempt.order().plain_customer(), attempt.order().reference().clone());
        Box::pin(self.run(move |connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM purchases WHERE provider = :provider AND customer = :customer
                 AND reference <> :reference AND attempt IS NOT NULL ORDER BY reference"
            );
            let values = named_params! {
                ":provider": provider, ":customer": customer, ":reference": reference.as_str(),
            };
            Ok(purchases(connection, &sql, values)?.into_iter().filter_map(|purchase| purchase.attempt).collect())
        }))
    }

    fn next_due<'a>(
        &'a self,
        provider: &'a str,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, StoreError>> {
        let provider = provider.to_owned();
        Box::pin(self.run(move |connection| {
            let due: Option<i64> = connection
                .prepare_cached(
                    "SELECT min(due) FROM (
                     SELECT min(max(due_at, lease_until)) AS due FROM purchases WHERE provider = ?1 AND due_at <= ?2
                     UNION ALL SELECT min(due_at) FROM purchases WHERE provider = ?1 AND due_at > ?2)",
                )
                .and_then(|mut statement| statement.query_row(params![provider, now.unix_millis()], |row| row.get(0)))
                .map_err(unavailable)?;
            Ok(due.map(Timestamp::from_unix_millis))
        }))
    }

    fn add_hint<'a>(&'a self, hint: &'a StoredHint, limit: usize) -> BoxFuture<'a, Result<bool, StoreError>> {
        let hint = hint.clone();
        Box::pin(self.run(move |connection| add_hint(connection, &hint, limit)))
    }

    fn hints<'a>(&'a self, reference: &'a Reference) -> BoxFuture<'a, Result<Vec<StoredHint>, StoreError>> {
        let reference = reference.clone();
        Box::pin(self.run(move |connection| hints(connection, &reference)))
    }

    fn receipt<'a>(&'a self, reference: &'a Reference) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        let reference = reference.clone();
        Box::pin(self.run(move |connection| {
            let receipt: Option<Option<Vec<u8>>> = connection
                .prepare_cached("SELECT receipt FROM purchases WHERE reference = ?")
                .and_then(|mut statement| statement.query_row([reference.as_str()], |row| row.get(0)).optional())
                .map_err(unavailable)?;
            Ok(receipt.flatten())
        }))
    }

    fn add_event<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), StoreError>> {
        let event = event.clone();
        Box::pin(self.run(move |connection| append(connection, &event)))
    }

    fn events_after(&self, after: i64, limit: usize) -> BoxFuture<'_, Result<Vec<Event>, StoreError>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Box::pin(self.run(move |connection| {
            let condition = "WHERE number > :after ORDER BY number LIMIT :limit";
            events(connection, condition, named_params! { ":after": after, ":limit": limit })
        }))
    }

    fn events_of<'a>(&'a self, reference: &'a Reference) -> BoxFuture<'a, Result<Vec<Event>, StoreError>> {
        let reference = reference.clone();
        Box::pin(self.run(move |connection| {
            let condition = "WHERE reference = :reference ORDER BY number";
            events(connection, condition, named_params! { ":reference": reference.as_str() })
        }))
    }

    fn cursor<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<i64, StoreError>> {
        let name = name.to_owned();
        Box::pin(self.run(move |connection| {
            let number: Option<i64> = connection
                .prepare_cached("SELECT number FROM cursors WHERE name = ?")
                .and_then(|mut statement| statement.query_row([name], |row| row.get(0)).optional())
                .map_err(unavailable)?;
            Ok(number.unwrap_or(0))
        }))
    }

    fn set_cursor<'a>(&'a self, name: &'a str, number: i64) -> BoxFuture<'a, Result<(), StoreError>> {
        let name = name.to_owned();
        Box::pin(self.run(move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO cursors (name, number) VALUES (?, ?)
                     ON CONFLICT (name) DO UPDATE SET number = max(number, excluded.number)",
                )
                .and_then(|mut statement| statement.execute(params![name, number]))
                .map(drop)
                .map_err(unavailable)
        }))
    }

    fn set_paused<'a>(&'a self, provider: &'a str, note: Option<&'a str>) -> BoxFuture<'a, Result<(), StoreError>> {
        let (provider, note) = (provider.to_owned(), note.map(str::to_owned));
        Box::pin(self.run(move |connection| {
            let done = match note {
                Some(note) => connection
                    .execute("INSERT OR REPLACE INTO pauses (provider, note) VALUES (?, ?)", params![provider, note]),
                None => connection.execute("DELETE FROM pauses WHERE provider = ?", params![provider]),
            };
            done.map(drop).map_err(unavailable)
        }))
    }

    fn paused<'a>(&'a self, provider: &'a str) -> BoxFuture<'a, Result<Option<String>, StoreError>> {
        let provider = provider.to_owned();
        Box::pin(self.run(move |connection| paused(connection, &provider)))
    }

    fn submitted_between<'a>(
        &'a self,
        provider: &'a str,
        from: Timestamp,
        until: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<Purchase>, StoreError>> {
        let provider = provider.to_owned();
        Box::pin(self.run(move |connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM purchases WHERE provider = :provider AND submitted_at >= :from
                 AND submitted_at < :until ORDER BY submitted_at, reference"
            );
            let values = named_params! {
                ":provider": provider, ":from": from.unix_millis(), ":until": until.unix_millis(),
            };
            purchases(connection, &sql, values)
        }))
    }

    fn stats(&self) -> BoxFuture<'_, Result<Stats, StoreError>> {
        Box::pin(self.run(stats))
    }
}
