use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::{BoxFuture, Error, ErrorKind, Execution, Secret, Timestamp};

/// A token that a provider issued, and when to replace it.
#[derive(Clone, Debug)]
pub struct AccessToken {
    secret: Secret,
    renew_at: Option<Timestamp>,
}

impl AccessToken {
    /// A token whose request was started at `asked_at` and which lives for `lifetime` from then on.
    ///
    /// It is replaced when less than a minute, or less than a fifth of its life if that is shorter, is left. Without a
    /// lifetime it serves the calls that wait for it and is not kept.
    pub fn new(secret: Secret, asked_at: Timestamp, lifetime: Option<Duration>) -> Self {
        let renew_at = lifetime
            .filter(|lifetime| !lifetime.is_zero())
            .map(|lifetime| asked_at.after(lifetime - Duration::from_secs(60).min(lifetime / 5)));
        Self { secret, renew_at }
    }

    /// The token itself.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        self.renew_at.is_some_and(|renew_at| now < renew_at)
    }
}

/// A token request under way. Closing lets its waiters go on in the order in which they came, so that a simulation can be replayed.
struct Fetch {
    brought: OnceLock<Result<AccessToken, Error>>,
    waiting: Semaphore,
}

/// Ends the wait, also when the request is abandoned.
struct End(Arc<Fetch>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.waiting.close();
    }
}

/// Keeps one token for a whole client.
///
/// However many callers ask at once, one fetch runs; it runs on its own task, so a caller that gives up takes nothing from the
/// others. A fetch that fails fails the callers that waited for it, and the next caller tries anew.
#[derive(Clone, Default)]
pub struct TokenCache(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    current: Option<AccessToken>,
    fetching: Option<Arc<Fetch>>,
}

impl TokenCache {
    /// The current token, or the one that `fetch` brings. Has to be called within a tokio runtime.
    pub async fn get<F, Fut>(&self, now: Timestamp, fetch: F) -> Result<AccessToken, Error>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<AccessToken, Error>> + Send + 'static,
    {
        let fetching = {
            let mut state = self.state();
            if let Some(token) = state.current.as_ref().filter(|token| token.is_fresh(now)) {
                return Ok(token.clone());
            }
            match state.fetching.as_ref().filter(|fetching| !fetching.waiting.is_closed()) {
                Some(fetching) => Arc::clone(fetching),
                None => {
                    let fetching = Arc::new(Fetch { brought: OnceLock::new(), waiting: Semaphore::new(0) });
                    state.fetching = Some(Arc::clone(&fetching));
                    tokio::spawn(self.clone().fetch(Box::pin(fetch()), End(Arc::clone(&fetching))));
                    fetching
                }
            }
        };
        // It has no permits to give: the wait is over when it is closed.
        let _ = fetching.waiting.acquire().await;
        fetching.brought.get().cloned().unwrap_or_else(|| {
            Err(Error::new(ErrorKind::NoToken, Execution::NotExecuted).with_detail("the token request was abandoned"))
        })
    }

    /// Forgets the token if it is still the refused one, so that many refusals cause one fetch.
    pub fn forget(&self, refused: &Secret) {
        let mut state = self.state();
        if state.current.as_ref().is_some_and(|token| token.secret.expose() == refused.expose()) {
            state.current = None;
        }
    }

    async fn fetch(self, fetch: BoxFuture<'static, Result<AccessToken, Error>>, end: End) {
        let fetched = fetch.await;
        let mut state = self.state();
        state.fetching = None;
        if let Ok(token) = &fetched {
            state.current = Some(token.clone());
        }
        drop(state);
        let _ = end.0.brought.set(fetched);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_millis(1_700_000_000_000);

    fn token(text: &str, seconds: u64) -> AccessToken {
        AccessToken::new(Secret::new(text), NOW, Some(Duration::from_secs(seconds)))
    }

    #[tokio::test]
    async fn ten_thousand_first_callers_make_one_fetch() {
        let cache = TokenCache::default();
        let fetches = Arc::new(AtomicUsize::new(0));
        let gate = Arc::new(Notify::new());
        let callers: Vec<_> = (0..10_000)
            .map(|_| {
                let (cache, fetches, gate) = (cache.clone(), Arc::clone(&fetches), Arc::clone(&gate));
                tokio::spawn(async move {
                    let fetch = || async move {
                        fetches.fetch_add(1, Ordering::SeqCst);
                        gate.notified().await;
                        Ok(token("t", 900))
                    };
                    cache.get(NOW, fetch).await.unwrap().secret().expose().to_owned()
                })
            })
            .collect();
        gate.notify_one();
        for caller in callers {
            assert_eq!(caller.await.unwrap(), "t");
        }
        assert_eq!(fetches.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn callers_go_on_in_the_order_in_which_they_came() {
        let cache = TokenCache::default();
        let order = Arc::new(Mutex::new(Vec::new()));
        let callers: Vec<_> = (0..64)
            .map(|n| {
                let (cache, order) = (cache.clone(), Arc::clone(&order));
                tokio::spawn(async move {
                    let fetch = || async {
                        tokio::task::yield_now().await;
                        Ok(token("t", 900))
                    };
                    cache.get(NOW, fetch).await.unwrap();
                    order.lock().unwrap().push(n);
                })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), (0..64).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_cancelled_first_caller_does_not_cancel_the_fetch() {
        let cache = TokenCache::default();
        let gate = Arc::new(Notify::new());
        let fetches = Arc::new(AtomicUsize::new(0));
        let fetch = |cache: TokenCache| {
            let (gate, fetches) = (Arc::clone(&gate), Arc::clone(&fetches));
            async move {
                let fetch = || async move {
                    fetches.fetch_add(1, Ordering::SeqCst);
                    gate.notified().await;
                    Ok(token("t", 900))
                };
                cache.get(NOW, fetch).await
            }
        };
        let first = tokio::spawn(fetch(cache.clone()));
        tokio::task::yield_now().await;
        let second = tokio::spawn(fetch(cache.clone()));
        tokio::task::yield_now().await;
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        gate.notify_one();
        assert_eq!(second.await.unwrap().unwrap().secret().expose(), "t");
        assert_eq!(fetches.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_failed_or_abandoned_fetch_does_not_poison() {
        let cache = TokenCache::default();
        let failed = cache.get(NOW, || async { Err(Error::configuration("no")) }).await;
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Configuration);
        let abandoned = cache.get(NOW, || async { panic!("planted") }).await;
        assert_eq!(abandoned.unwrap_err().kind(), ErrorKind::NoToken);
        assert_eq!(cache.get(NOW, || async { Ok(token("t", 900)) }).await.unwrap().secret().expose(), "t");
    }

    #[tokio::test]
    async fn renewed_before_it_expires() {
        let cache = TokenCache::default();
        for (asked_after, lifetime, at, expected) in
            [(0, 900, 839, "old"), (0, 900, 840, "new"), (0, 5, 3, "old"), (0, 5, 4, "new")]
        {
            let asked_at = NOW.after(Duration::from_secs(asked_after));
            let cache = TokenCache::default();
            let old = AccessToken::new(Secret::new("old"), asked_at, Some(Duration::from_secs(lifetime)));
            cache.get(NOW, || async { Ok(old) }).await.unwrap();
            let later =
                cache.get(NOW.after(Duration::from_secs(at)), || async { Ok(token("new", 900)) }).await.unwrap();
            assert_eq!(later.secret().expose(), expected, "{lifetime} s, after {at} s");
        }
        let unkept = AccessToken::new(Secret::new("once"), NOW, None);
        assert_eq!(cache.get(NOW, || async { Ok(unkept) }).await.unwrap().secret().expose(), "once");
        assert_eq!(cache.get(NOW, || async { Ok(token("next", 900)) }).await.unwrap().secret().expose(), "next");
    }

    #[tokio::test]
    async fn forgets_only_the_refused_token() {
        let cache = TokenCache::default();
        cache.get(NOW, || async { Ok(token("current", 900)) }).await.unwrap();
        cache.forget(&Secret::new("older"));
        assert_eq!(cache.get(NOW, || async { Ok(token("x", 900)) }).await.unwrap().secret().expose(), "current");
        cache.forget(&Secret::new("current"));
        assert_eq!(cache.get(NOW, || async { Ok(token("x", 900)) }).await.unwrap().secret().expose(), "x");
    }
}
