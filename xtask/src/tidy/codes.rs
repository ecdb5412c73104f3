//! No code table has a catch-all that means failed: what no row names proves nothing.

use std::collections::BTreeSet;

use syn::visit::{self, Visit};
use syn::{Arm, Expr, ExprIf, ExprMethodCall, ExprPath, File, Item, Local, Pat};

use super::tree::{Finding, Tree};
use crate::Result;

/// What means failed in the core's vocabulary.
const FAILED: [&str; 3] = ["Failed", "REFUSED", "NotExecuted"];
/// Methods whose first argument stands for everything that was not found.
const DEFAULTS: [&str; 5] = ["map_or", "map_or_else", "ok_or", "unwrap_or", "unwrap_or_else"];

pub fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for provider in &tree.providers {
        let path = format!("crates/{provider}/src/codes.rs");
        let file = tree.rust(&path)?;
        let mut catch_alls = CatchAlls { path: &path, failed: failed_names(&file), findings: &mut findings };
        catch_alls.visit_file(&file);
    }
    Ok(findings)
}

/// The words that mean failed, and the constants and functions of the file that contain one.
fn failed_names(file: &File) -> BTreeSet<String> {
    let mut failed: BTreeSet<String> = FAILED.map(str::to_owned).into();
    loop {
        let known = failed.len();
        for item in &file.items {
            let (name, means_failed) = match item {
                Item::Const(item) => (&item.ident, means_failed(&failed, |search| search.visit_expr(&item.expr))),
                Item::Fn(item) if item.sig.constness.is_some() => {
                    (&item.sig.ident, means_failed(&failed, |search| search.visit_block(&item.block)))
                }
                _ => continue,
            };
            // A table has rows of all kinds; naming it is not failing.
            if means_failed
                && !matches!(item, Item::Const(item) if matches!(*item.ty, syn::Type::Reference(_) | syn::Type::Array(_)))
            {
                failed.insert(name.to_string());
            }
        }
        if failed.len() == known {
            return failed;
        }
    }
}

fn means_failed(failed: &BTreeSet<String>, visit: impl FnOnce(&mut Search<'_>)) -> bool {
    let mut search = Search { failed, found: false };
    visit(&mut search);
    search.found
}

struct Search<'a> {
    failed: &'a BTreeSet<String>,
    found: bool,
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        self.found |= path.path.segments.last().is_some_and(|segment| self.failed.contains(&segment.ident.to_string()));
        visit::visit_expr_path(self, path);
    }
}

struct CatchAlls<'a> {
    path: &'a str,
    failed: BTreeSet<String>,
    findings: &'a mut Vec<Finding>,
}

impl CatchAlls<'_> {
    fn report(&mut self, piece: &Expr, what: &str) {
        if means_failed(&self.failed, |search| search.visit_expr(piece)) {
            self.findings.push(Finding::at(
                self.path,
                piece,
                format!("{what} means failed; what no row names is unknown"),
            ));
        }
    }
}

impl<'ast> Visit<'ast> for CatchAlls<'_> {
    fn visit_arm(&mut self, arm: &'ast Arm) {
        if arm.guard.is_none() && catches_all(&arm.pat) {
            self.report(&arm.body, "a catch-all arm");
        }
        visit::visit_arm(self, arm);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        if let Some(default) = call.args.first().filter(|_| DEFAULTS.iter().any(|name| call.method == name)) {
            self.report(default, "a default");
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_if(&mut self, condition: &'ast ExprIf) {
        if let Some((_, otherwise)) = &condition.else_branch
            && !matches!(**otherwise, Expr::If(_))
        {
            self.report(otherwise, "an else");
        }
        visit::visit_expr_if(self, condition);
    }

    fn visit_local(&mut self, local: &'ast Local) {
        if let Some((_, otherwise)) = local.init.as_ref().and_then(|init| init.diverge.as_ref()) {
            self.report(otherwise, "an else");
        }
        visit::visit_local(self, local);
    }
}

/// Whether a pattern fits everything, or all that it names is that nothing was found.
fn catches_all(pattern: &Pat) -> bool {
    match pattern {
        Pat::Wild(_) | Pat::Rest(_) => true,
        Pat::Ident(name) => {
            name.ident == "None"
                || (name.subpat.is_none() && name.ident.to_string().starts_with(|first: char| first.is_lowercase()))
        }
        Pat::Tuple(tuple) => tuple.elems.iter().all(catches_all),
        Pat::Or(or) => or.cases.iter().any(catches_all),
        Pat::Paren(inner) => catches_all(&inner.pat),
        _ => false,
    }
}
