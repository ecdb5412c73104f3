//! Mistakes made on purpose; the suite has to notice each.

use std::sync::Arc;

use biller_core::{Biller, Transport};
use libtest_mimic::Trial;

use crate::cases::Case;
use crate::subject::Subject;

pub struct Plant {
    pub name: &'static str,
    pub transport: Option<fn(Arc<dyn Transport>, &'static dyn Subject) -> Arc<dyn Transport>>,
    pub biller: Option<fn(Arc<dyn Biller>) -> Arc<dyn Biller>>,
}

pub fn trials(_cases: &[Vec<Case>]) -> Vec<Trial> {
    Vec::new()
}

pub fn print_table() {}
