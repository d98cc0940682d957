(* The path components of {loss <= b} (in a ball), with the neurons in their order. *)
Require Import Reals List ZArith QArith Qreals Lra Lia Psatz Bool Permutation FMapPositive.
Require Import Isthmus.Vec Isthmus.Net Isthmus.Chain Isthmus.Perm Isthmus.Check Isthmus.Path Isthmus.Exact Isthmus.Cover
  Isthmus.Connect Isthmus.Components.
Import ListNotations.
Open Scope R_scope.

(* a set of cells that has all orders of each *)
Definition closed (es : list entry) : bool :=
  let table := buckets (map (fun e => map code (states e)) es) in
  forallb (fun e => forallb (fun c => among true table (map code c)) (perms (states e))) es.

(* as check_components; the end of each hub is the next network itself *)
Definition check_labelled X y m d ball bn bd (all : cert) (hubs : list hub) (comps : list (endpoint * list entry)) : bool :=
  let c := (bn # Z.to_pos bd)%Q in
  Z.ltb 0 bd && check_cover X y m d true ball bn bd true all && closed (entries all) &&
  check_hubs X y m d ball c (list_eqb neuron_eqb) (pattern_sides X all) (index 1 hubs) comps 1 (entries all) hubs &&
  forallb (fun k => goodQ X y m d ball c (rep comps k)) (seq 0 (length comps)) &&
  check_apart X m true ball all comps.

Section Sound.
Variable X : list row.
Variable y : list Z.
Variable m d : nat.
Variable ball : balls.
Variable bn bd : Z.
Variable all : cert.
Variable hubs : list hub.
Variable comps : list (endpoint * list entry).
Hypothesis OK : check_labelled X y m d ball bn bd all hubs comps = true.
Let b := IZR bn / IZR bd.
Let r k := rep comps k.

(* the order that a renaming undoes is listed too *)
Lemma closed_sound : forall (P : nat -> rvec) W a c0 f g, closed (entries all) = true ->
  In c0 (map states (entries all)) -> length c0 = m -> Bij m f g ->
  in_cell (nz X) P m (fun j => W (g j)) (fun j => a (g j)) c0 ->
  exists c, In c (map states (entries all)) /\ in_cell (nz X) P m W a c.
Proof.
  intros P W a c0 f g Hc I0 L B H. set (c := map (fun j => nth (f j) c0 (true, O)) (seq 0 m)).
  assert (N : forall j, (j < m)%nat -> nth j c (true, O) = nth (f j) c0 (true, O)).
  { intros j Hj. unfold c. rewrite (nth_indep _ _ ((fun j => nth (f j) c0 (true, O)) O)).
    - rewrite (map_nth (fun j => nth (f j) c0 (true, O))). rewrite seq_nth; auto.
    - rewrite map_length, seq_length; auto. }
  assert (Lc : length c = m) by (unfold c; rewrite map_length, seq_length; auto).
  exists c. split.
  - apply in_map_iff in I0 as (e & <- & Ie). unfold closed in Hc. cbv zeta in Hc. rewrite forallb_forall in Hc.
    specialize (Hc e Ie). rewrite forallb_forall in Hc. set (c0 := states e) in *.
    assert (P0 : In c (perms c0)).
    { apply perms_in. apply (Bij_Permutation _ (true, O) c0 c f g).
      - exact (eq_trans Lc (eq_sym L)).
      - pose proof B as B2. rewrite <- L in B2. exact B2.
      - intros x Hx. apply N. change (x < length c0)%nat in Hx. rewrite L in Hx. exact Hx. }
    destruct (among_cells true _ c (Hc c P0)) as (c' & Ic & ->). exact Ic.
  - intros j Hj. destruct (B j Hj) as (Fj & _ & GF & _). destruct (H (f j) Fj) as [H1 H2]. cbn beta in H1.
    rewrite GF in H1. unfold st in *. rewrite (N j Hj). split; [exact H1|].
    intros x Ix. specialize (H2 x Ix). unfold uvec in *. cbn beta in H2. rewrite GF in H2. exact H2.
Qed.

Theorem labelled :
  (forall k, (k < length comps)%nat -> in_ball m d ball (W_of (r k)) (a_of (r k)) /\ loss X y m (W_of (r k)) (a_of (r k)) <= b) /\
  (forall W a, in_ball m d ball W a -> loss X y m W a <= b ->
     exists k, (k < length comps)%nat /\ joined X y m d ball b W a (W_of (r k)) (a_of (r k))) /\
  (forall i j, (i < length comps)%nat -> (j < length comps)%nat -> i <> j ->
     ~ joined X y m d ball b (W_of (r i)) (a_of (r i)) (W_of (r j)) (a_of (r j))).
Proof.
  pose proof OK as H. unfold check_labelled in H. rewrite !andb_true_iff in H.
  destruct H as [[[[[Hbd Hcov] Hcl] Hhub] Hrep] Hsep]. apply Z.ltb_lt in Hbd.
  rewrite forallb_forall in Hrep. pose proof (cov_check _ _ _ _ _ _ _ _ _ _ Hcov) as Ck.
  assert (Ec : Q2R (bn # Z.to_pos bd) = b) by (unfold Q2R, b; simpl; rewrite Z2Pos.id; auto).
  assert (Len : forall x, In x X -> (length x <= d)%nat).
  { pose proof (ok_rows _ _ _ _ _ _ _ _ _ _ (cov_check _ _ _ _ _ _ _ _ _ _ Hcov)) as Rw.
    unfold check_rows in Rw. rewrite !andb_true_iff in Rw.
    destruct Rw as [[[[[_ Rw] _] _] _] _]. rewrite forallb_forall in Rw. intros x Ix. apply Nat.leb_le. auto. }
  assert (Gr : forall k, (k < length comps)%nat -> good X y m d ball b (W_of (r k)) (a_of (r k))).
  { intros k Hk. specialize (Hrep k (in_seq0 _ _ Hk)). apply goodQ_R in Hrep. rewrite Ec in Hrep. exact Hrep. }
  apply (check_hubs_nth _ _ _ _ _ _ _ _ _ _ _ _ 0) in Hhub as [Hlen Hhub].
  split; [|split].
  - intros k Hk. apply (Gr k Hk).
  - assert (HL : forall n, (n < length hubs)%nat -> let h := nth n hubs no_hub in
      (h_comp h < length comps)%nat /\ joined X y m d ball b (W_of (h_net h)) (a_of (h_net h)) (W_of (r (h_comp h))) (a_of (r (h_comp h)))).
    { induction n as [n IH] using lt_wf_ind. intros Hn h. rewrite Hlen in Hn. specialize (Hhub n Hn). simpl in Hhub.
      unfold check_hub in Hhub. fold h in Hhub. rewrite !andb_true_iff in Hhub. destruct Hhub as [[[[K1 _] _] K3] K4].
      apply Nat.ltb_lt in K1. split; auto.
      assert (J : joined X y m d ball b (W_of (h_net h)) (a_of (h_net h)) (W_of (h_end h)) (a_of (h_end h))).
      { destruct (barrier_upper_bound X y m d ball _ _ _ _ K3) as (V & v & PV & V0 & V1 & GV). rewrite Ec in GV.
        exists V, v. split; [exact PV|]. split; [intros j Hj; destruct (V0 j Hj); split; auto|].
        split; [intros j Hj; destruct (V1 j Hj); split; auto|exact GV]. }
      destruct (h_next h) as [k|].
      - destruct (PositiveMap.find k _) as [to|] eqn:F; [|discriminate]. rewrite !andb_true_iff in K4.
        destruct K4 as [[K6 K7] K4]. destruct (hub_before _ _ _ _ F K6) as (i & Hi & Li & <-). apply Nat.eqb_eq in K7.
        apply (list_eqb_eq _ _ neuron_eqb_eq) in K4.
        destruct (IH i Hi Li) as [_ Lk]. rewrite K7, K4 in Lk.
        exact (joined_trans X y m d ball b Len _ _ _ _ _ _ J Lk).
      - apply (list_eqb_eq _ _ neuron_eqb_eq) in K4. unfold r. rewrite K4. exact J. }
    intros W a Hb Hl.
    destruct (cover_sound _ _ _ _ _ _ _ _ _ _ Hcov W a Hb) as (c0 & f & g & I0 & B & Hc).
    { unfold below. exact Hl. }
    assert (L0 : length c0 = m) by (apply (entry_length _ _ _ _ _ _ _ _ _ _ (cov_check _ _ _ _ _ _ _ _ _ _ Hcov)); auto).
    destruct (closed_sound _ W a c0 f g Hcl I0 L0 B Hc) as (ce & Ie0 & He).
    apply in_map_iff in Ie0 as (e & Ee & Ie).
    destruct (In_nth _ _ (Entry [] [] []) Ie) as (n & Hn & En).
    set (h := nth n hubs no_hub).
    destruct (HL n) as [K1 Lh]; [lia|]. fold h in K1, Lh. exists (h_comp h). split; auto.
    specialize (Hhub n Hn). simpl in Hhub. unfold check_hub in Hhub. fold h in Hhub. rewrite En, !andb_true_iff in Hhub.
    destruct Hhub as [[[[_ _] K2] K3] _].
    assert (Hq : is_net m d (h_net h) (W_of (h_net h)) (a_of (h_net h))) by (intros j Hj; split; auto).
    rewrite inside_contains in K2. apply (contains_iff X all m d _ _ _ _ Len Hq) in K2. rewrite Ee in K2.
    assert (Gq : good X y m d ball b (W_of (h_net h)) (a_of (h_net h))).
    { unfold check_path in K3. rewrite !andb_true_iff in K3. destruct K3 as [[[_ K3] _] _].
      apply goodQ_R in K3. rewrite Ec in K3. auto. }
    assert (J1 : joined X y m d ball b W a (W_of (h_net h)) (a_of (h_net h))).
    { apply (one_cell X y m d ball b Len (fun i => vec (pat all i)) ce); auto; [|split; auto].
      intros j x Hj Ix. rewrite <- dotZ_dot. apply not_0_IZR.
      assert (I0' : In ce (map states (entries all))) by (rewrite <- Ee; apply in_map; auto).
      destruct (neuron_ok _ _ _ _ _ _ _ _ _ _ Ck ce j I0' Hj) as (fl & cr & Ch).
      unfold check_neuron in Ch. rewrite !andb_true_iff in Ch. destruct Ch as [[Ch _] _].
      apply Nat.ltb_lt in Ch. eapply pat_generic; eauto. }
    exact (joined_trans X y m d ball b Len _ _ _ _ _ _ J1 Lh).
  - intros i j Hi Hj Nij (V & v & PV & V0 & V1 & GV).
    assert (Sh : check_shared X y d ball bn bd true all = true) by (unfold check in Ck; apply andb_prop in Ck; tauto).
    apply (check_apart_sound X y m d _ ball bn bd all comps) with (i := i) (j := j) in Hsep; auto.
    destruct (barrier_lower_bound_gen _ _ _ _ _ _ _ _ _ _ _ _ Hsep V v) as (t & Ht & L).
    + exact PV.
    + intros t Ht. destruct (GV t Ht) as [Q1 _]. exact Q1.
    + intros x Hx. destruct (V0 x Hx) as [P1 P2]. split; auto.
    + exists (fun x => x). split.
      * split; [|split]; auto.
      * intros x Hx. destruct (V1 x Hx) as [P1 P2]. split; auto.
    + destruct (GV t Ht) as [_ Q2]. cbn beta iota in L. unfold b in Q2. lra.
Qed.
End Sound.
