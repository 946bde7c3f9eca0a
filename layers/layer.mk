# `sam build` runs this in a copy of the folder layers/. A make of this kind is told neither processor nor parameters,
# so template.yaml chooses between the Makefiles in architecture/, and they say which processor it is.
PYTHON := $(shell for one in python3.13 python3 python; do \
	$$one -c 'import sys, pip; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null && echo $$one && break; done)

build-CoreLayer: LAYER := core
build-DataLayer: LAYER := data
build-ReportLayer: LAYER := report
build-StatisticsLayer: LAYER := statistics

build-CoreLayer build-DataLayer build-ReportLayer build-StatisticsLayer:
	$(if $(PYTHON),,$(error Python 3.13 with pip is needed on the PATH to build the layers))
	$(PYTHON) build.py $(LAYER) $(ARCHITECTURE) "$(ARTIFACTS_DIR)"
