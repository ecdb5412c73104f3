#![doc = include_str!("../README.md")]

mod callback;
mod desk;
mod event;
mod journal;
mod lane;
mod metrics;
#[cfg(feature = "postgres")]
mod postgres;
mod purchase;
mod reconcile;
mod records;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod row;
mod seal;
#[cfg(feature = "sqlite")]
mod sqlite;
mod state;
mod step;
mod store;
mod worker;

pub use desk::{DecideError, Ruling};
pub use event::{Cursor, Event};
pub use journal::{Journal, JournalBuilder, SubmitError};
pub use lane::Lane;
pub use metrics::{Metrics, Stats};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresConfig, PostgresStore};
pub use purchase::Purchase;
pub use reconcile::{BalanceComparison, BalanceReading, Difference, Reconciliation};
pub use seal::{ReceiptKey, SealError};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
pub use state::{Cause, State, TRANSITIONS, Transition};
pub use store::{Change, Claim, SendGuard, Store, StoreError, StoredHint, Submission};
