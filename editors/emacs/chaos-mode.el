;;; chaos-mode.el --- Perturb's .chaos files  -*- lexical-binding: t; -*-

;; Package-Requires: ((emacs "26.1"))
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Colours, indentation and comments for chaos experiments, and the language server through eglot (part of Emacs since
;; 29, a package before that) or lsp-mode.

;;; Code:

(defgroup chaos nil
  "Chaos experiments as checked text."
  :group 'languages)

(defcustom chaos-command '("perturb" "lsp")
  "The language server: the program and its arguments."
  :type '(repeat string)
  :group 'chaos)

(defcustom chaos-indent 2
  "How far a line in brackets is indented."
  :type 'integer
  :group 'chaos)

(defconst chaos--items
  '("experiment" "scenario" "service" "team" "cluster" "environment" "slo" "incident" "metric" "fault" "verify"
    "policy" "gameday"))

(defconst chaos--words
  '("import" "hypothesis" "guard" "method" "agenda" "engine" "let" "expect" "recovery" "abort" "when" "only" "never"
    "on" "approval" "by" "with" "wait" "check" "parallel" "sequence" "for" "each" "ask" "note" "run" "every" "require"
    "forbid" "within" "but" "during" "faults" "except" "because" "where" "match" "and" "or" "not" "in" "as" "of" "one"
    "all"))

(defconst chaos-font-lock-keywords
  `((,(concat "^\\s-*" (regexp-opt chaos--items t) "\\s-+\\([a-z][a-z0-9-]*\\)")
     (1 font-lock-keyword-face) (2 font-lock-function-name-face))
    ("\\_<\\([A-Za-z_][A-Za-z0-9_-]*\\)\\s-*:" 1 font-lock-variable-name-face)
    (,(regexp-opt chaos--words 'symbols) . font-lock-keyword-face)
    (,(regexp-opt '("true" "false" "none") 'symbols) . font-lock-constant-face)
    ("\\_<[A-Z][A-Za-z]*\\_>" . font-lock-type-face)
    ("\\_<[0-9][0-9A-Za-z_.:/%-]*" . font-lock-constant-face)))

(defvar chaos-mode-syntax-table
  (let ((table (make-syntax-table)))
    (modify-syntax-entry ?/ ". 12" table)
    (modify-syntax-entry ?\n ">" table)
    (modify-syntax-entry ?\" "\"" table)
    (modify-syntax-entry ?\\ "\\" table)
    ;; Names are kebab-case: `slow-ledger' is one.
    (modify-syntax-entry ?- "_" table)
    (modify-syntax-entry ?_ "_" table)
    table))

(defun chaos-indent-line ()
  "Indent the current line by the brackets that are open before it."
  (interactive)
  (let* ((closes (save-excursion (back-to-indentation) (looking-at-p "[]})]")))
         (depth (save-excursion (beginning-of-line) (car (syntax-ppss))))
         (column (* chaos-indent (max 0 (- depth (if closes 1 0))))))
    (if (<= (current-column) (current-indentation))
        (indent-line-to column)
      (save-excursion (indent-line-to column)))))

;;;###autoload
(define-derived-mode chaos-mode prog-mode "Chaos"
  "Major mode for Perturb's .chaos files."
  (setq-local comment-start "// ")
  (setq-local comment-end "")
  (setq-local comment-start-skip "//[/!]?\\s-*")
  (setq-local indent-tabs-mode nil)
  (setq-local indent-line-function #'chaos-indent-line)
  (setq-local font-lock-defaults '(chaos-font-lock-keywords)))

;;;###autoload
(add-to-list 'auto-mode-alist '("\\.chaos\\'" . chaos-mode))

(defvar eglot-server-programs)
(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs (cons 'chaos-mode chaos-command)))

(defvar lsp-language-id-configuration)
(declare-function lsp-register-client "ext:lsp-mode")
(declare-function make-lsp-client "ext:lsp-mode")
(declare-function lsp-stdio-connection "ext:lsp-mode")
(with-eval-after-load 'lsp-mode
  (add-to-list 'lsp-language-id-configuration '(chaos-mode . "chaos"))
  (lsp-register-client
   (make-lsp-client :new-connection (lsp-stdio-connection (lambda () chaos-command))
                    :major-modes '(chaos-mode)
                    :server-id 'perturb)))

(provide 'chaos-mode)
;;; chaos-mode.el ends here
