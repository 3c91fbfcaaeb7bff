# The words of ./kiba for those who type make. `make run` is `./kiba run`.
WORDS = run stop clean status doctor logs env migrate check test help

.PHONY: $(WORDS)
$(WORDS):
	@./kiba $@
.DEFAULT_GOAL = help
