"""Tree-sitter queries for definitions, by language.

A capture says what is defined and, after a dot, which field of the node names it (``name`` when nothing is said):
``@method.key`` is a method whose name stands in the field ``key``. Some captures are not kinds of symbols:

    wrap       what belongs to a definition around it: decorators, ``export``, the keyword before a single declared name
    impl       a Rust ``impl`` block: gives its members a qualified name and is no symbol itself
    upper      a constant when its name is in upper case, otherwise nothing
    assigned   a function or class assigned to a member (``exports.parse = function …``)
    receiver   a Go method, qualified by the type of its receiver
"""

from __future__ import annotations

from functools import cache
from typing import Final

from tree_sitter import Query

from contextd.parse.grammars import grammar

_PYTHON: Final = """
(decorated_definition) @wrap
(function_definition) @function
(class_definition) @class
(module (type_alias_statement) @type.left)
(module (expression_statement (assignment left: (identifier)) @upper.left))
(class_definition body: (block (expression_statement (assignment left: (identifier)) @upper.left)))
"""

_JAVASCRIPT: Final = """
(export_statement) @wrap
(function_declaration) @function
(generator_function_declaration) @function
(class_declaration) @class
(method_definition) @method
(pair key: (property_identifier) value: [(function_expression) (arrow_function)]) @method.key
(variable_declarator name: (identifier) value: [(function_expression) (arrow_function) (generator_function)]) @function
(variable_declarator name: (identifier) value: (class)) @class
(assignment_expression left: (member_expression) right: [(function_expression) (arrow_function) (class)]) @assigned.left
(program (lexical_declaration) @wrap)
(program (lexical_declaration (variable_declarator name: (identifier)) @constant))
(program (export_statement (lexical_declaration (variable_declarator name: (identifier)) @constant)))
(program (variable_declaration) @wrap)
(program (variable_declaration (variable_declarator name: (identifier)) @upper))
"""

_TYPESCRIPT: Final = """
(ambient_declaration) @wrap
(ambient_declaration (lexical_declaration (variable_declarator name: (identifier)) @constant))
(abstract_class_declaration) @class
(interface_declaration) @interface
(type_alias_declaration) @type
(enum_declaration) @enum
(internal_module) @module
(module) @module
(function_signature) @function
(method_signature) @method
(abstract_method_signature) @method
(public_field_definition value: [(function_expression) (arrow_function)]) @method
"""

_GO: Final = """
(function_declaration) @function
(method_declaration) @receiver
(source_file (type_declaration) @wrap)
(type_spec type: (struct_type)) @struct
(type_spec type: (interface_type)) @interface
(type_spec) @type
(type_alias) @type
(interface_type (method_elem) @method)
(source_file (const_declaration) @wrap)
(source_file (const_declaration (const_spec) @constant))
(source_file (var_declaration) @wrap)
(source_file (var_declaration (var_spec) @variable))
(source_file (var_declaration (var_spec_list (var_spec) @variable)))
"""

_JAVA: Final = """
(class_declaration) @class
(interface_declaration) @interface
(enum_declaration) @enum
(record_declaration) @record
(annotation_type_declaration) @interface
(method_declaration) @method
(constructor_declaration) @method
(compact_constructor_declaration) @method
(annotation_type_element_declaration) @method
(field_declaration) @wrap
(field_declaration declarator: (variable_declarator) @upper)
(constant_declaration) @wrap
(constant_declaration declarator: (variable_declarator) @upper)
"""

_RUST: Final = """
(function_item) @function
(function_signature_item) @function
(struct_item) @struct
(union_item) @struct
(enum_item) @enum
(trait_item) @trait
(impl_item) @impl.type
(mod_item body: (declaration_list)) @module
(macro_definition) @macro
(const_item) @constant
(static_item) @constant
(source_file (type_item) @type)
(associated_type) @type
"""

_QUERIES: Final = {
    "python": _PYTHON,
    "javascript": _JAVASCRIPT
    + "(field_definition property: (_) value: [(function_expression) (arrow_function)]) @method.property",
    "typescript": _JAVASCRIPT + _TYPESCRIPT,
    "tsx": _JAVASCRIPT + _TYPESCRIPT,
    "go": _GO,
    "java": _JAVA,
    "rust": _RUST,
}

DEEPEST: Final = {"python": 5, "javascript": 6, "typescript": 7, "tsx": 7, "go": 5, "java": 6, "rust": 5}
"""How deep in the tree a definition may begin. Each level costs time, and deeper ones are local to a function.

Five reaches a decorated method, a method of a nested class, a function in a method, a Rust method in a module. Java reaches a
method of a nested enum with six, JavaScript a function in a module that is a function called at once, and TypeScript a method
of an exported class in a namespace with seven.
"""


@cache
def definitions_query(language: str) -> Query:
    """The compiled query of one of the languages that are parsed."""
    return Query(grammar(language), _QUERIES[language])
