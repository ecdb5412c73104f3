//! Every operation of a provider says what it can do and which document says so, and stands in the list of all.

use std::collections::BTreeMap;

use proc_macro2::TokenTree;
use syn::visit::{self, Visit};
use syn::{Expr, ExprPath, File, ImplItem, Item, ItemImpl, Lit, Type};

use super::tree::{Finding, Tree};
use crate::Result;

pub fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for provider in &tree.providers {
        for path in tree.files(&format!("crates/{provider}/src"))? {
            if path.ends_with("src/operations.rs") || path.contains("src/operations/") {
                check_file(&path, &tree.rust(&path)?, &mut findings);
            }
        }
    }
    Ok(findings)
}

fn check_file(path: &str, file: &File, findings: &mut Vec<Finding>) {
    let listed = listed(file);
    let specs = specs(file);
    if specs.is_empty() || listed.is_empty() {
        findings.push(Finding::new(path, "lists no operations: `pub const ALL: &[&Spec]` names every one"));
        return;
    }
    for (name, source) in &specs {
        if source.trim().is_empty() {
            findings.push(Finding::new(path, format!("{name} names no document as the source of its effect")));
        }
        if !listed.contains(name) {
            findings.push(Finding::new(path, format!("{name} is missing in ALL")));
        }
    }
    for item in &file.items {
        if let Item::Impl(operation) = item
            && let Some(named) = named_specs(operation)
            && !named.iter().any(|name| specs.contains_key(name) || name == "self")
        {
            findings.push(Finding::at(path, operation, "this operation names no spec of this file"));
        }
    }
}

/// The names in `ALL`.
fn listed(file: &File) -> Vec<String> {
    let list = file.items.iter().find_map(|item| match item {
        Item::Const(item) if item.ident == "ALL" => Some(&item.expr),
        _ => None,
    });
    let mut names = Names::default();
    if let Some(list) = list {
        names.visit_expr(list);
    }
    names.0
}

/// Every spec with its source: statics, and what a macro makes of a name, texts and an effect.
fn specs(file: &File) -> BTreeMap<String, String> {
    let mut specs = BTreeMap::new();
    for item in &file.items {
        match item {
            Item::Static(item) if is_spec(&item.ty) => {
                let source = match &*item.expr {
                    Expr::Struct(spec) => spec
                        .fields
                        .iter()
                        .find(|field| matches!(&field.member, syn::Member::Named(name) if name == "source")),
                    _ => None,
                };
                let source = source.map(|field| text_of(file, &field.expr)).unwrap_or_default();
                specs.insert(item.ident.to_string(), source);
            }
            Item::Macro(item) if item.mac.path.is_ident("spec") => {
                let tokens: Vec<TokenTree> = item.mac.tokens.clone().into_iter().collect();
                if let (Some(TokenTree::Ident(name)), Some(TokenTree::Literal(source))) =
                    (tokens.first(), tokens.last())
                {
                    specs.insert(name.to_string(), source.to_string().trim_matches('"').to_owned());
                }
            }
            _ => {}
        }
    }
    specs
}

fn is_spec(kind: &Type) -> bool {
    matches!(kind, Type::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == "Spec"))
}

/// A literal's text, also through a constant of the file or `concat!`.
fn text_of(file: &File, expression: &Expr) -> String {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => text.value(),
            _ => String::new(),
        },
        Expr::Macro(made) => made.mac.tokens.to_string().trim_matches(['"', ' ']).to_owned(),
        Expr::Path(path) => {
            let constant = file.items.iter().find_map(|item| match item {
                Item::Const(item) if path.path.is_ident(&item.ident) => Some(&*item.expr),
                _ => None,
            });
            constant.map(|constant| text_of(file, constant)).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// What the function `spec` of an operation refers to; none for other implementations.
fn named_specs(operation: &ItemImpl) -> Option<Vec<String>> {
    let (_, name, _) = operation.trait_.as_ref()?;
    if name.segments.last()?.ident != "Operation" {
        return None;
    }
    let mut names = Names::default();
    for item in &operation.items {
        if let ImplItem::Fn(function) = item
            && function.sig.ident == "spec"
        {
            names.visit_block(&function.block);
        }
    }
    Some(names.0)
}

#[derive(Default)]
struct Names(Vec<String>);

impl<'ast> Visit<'ast> for Names {
    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        self.0.extend(path.path.segments.iter().map(|segment| segment.ident.to_string()));
        visit::visit_expr_path(self, path);
    }
}
