(* Every network of loss < b lies, up to the order of its neurons, in a listed cell: certificates of
   least loss (no cell listed) and, with Check, of the components of a sublevel set. *)
Require Import Reals List ZArith Lra Lia Psatz Bool Permutation Classical FMapPositive.
Require Import Isthmus.Vec Isthmus.Net Isthmus.Chain Isthmus.Perm Isthmus.Check.
Import ListNotations.
Open Scope R_scope.

Section CoverCheck.
Variable m : nat.
Variable ball : balls.
Variable C : cert.

Definition all_states : list state := flat_map (fun i => [(true, i); (false, i)]) (seq 0 (length (patterns C))).

Fixpoint sumw (u : dual) (l : list state) : option Z :=
  match l with
  | [] => Some 0%Z
  | s :: l => match weight u s None, sumw u l with Some h, Some t => Some (together ball h t) | _, _ => None end
  end.
Definition covers (u : dual) (l : list state) : bool := match sumw u l with Some t => Z.leb t (d_lim u) | None => false end.
(* states of the sum t: k more that are all light cannot break the cover *)
Definition light (u : dual) (k : nat) (t : Z) (s : state) : bool :=
  match weight u s None with
  | Some h => if shared ball then Z.leb h (d_lim u) else Z.leb (Z.of_nat k * h) (d_lim u - t)
  | None => false
  end.

(* dual vectors that bound all states so far, with their sums *)
Definition extend (us : list (dual * Z)) (s : state) : list (dual * Z) :=
  flat_map (fun ut => match weight (fst ut) s None with Some h => [(fst ut, together ball h (snd ut))] | None => [] end) us.
Definition enough (ut : dual * Z) : bool := Z.leb (snd ut) (d_lim (fst ut)).

(* cells by a number that does not depend on the order of their states *)
Definition key (l : cell) : positive := Pos.of_succ_nat (fold_right (fun (s : state) t => (if fst s then 1 else 0) + snd s + snd s + t)%nat O l).
Definition bucket (k : positive) (t : PositiveMap.t (list cell)) : list cell :=
  match PositiveMap.find k t with Some l => l | None => [] end.
Definition buckets (l : list cell) : PositiveMap.t (list cell) :=
  fold_right (fun c t => PositiveMap.add (key c) (c :: bucket (key c) t) t) (PositiveMap.empty _) l.

Fixpoint each (f : list state -> state -> bool) (l : list state) : bool :=
  match l with [] => true | s :: r => f l s && each f r end.

(* every multiset that adds k states of `allowed` to l is listed or covered; a state that had its turn is not
   allowed after it *)
Fixpoint escape (table : PositiveMap.t (list cell)) (us : list (dual * Z)) (k : nat) (allowed l : list state) : bool :=
  match k with
  | O => existsb (fun c => permb state state_eqb c l) (bucket (key l) table) || existsb enough us
  | S k' =>
      match find enough us with
      | Some (u, t) =>
          let (lights, heavy) := partition (light u k t) allowed in
          each (fun h s => escape table (extend us s) k' (h ++ lights) (s :: l)) heavy
      | None => each (fun h s => escape table (extend us s) k' h (s :: l)) allowed
      end
  end.

Lemma bucket_in : forall l k c, In c (bucket k (buckets l)) -> In c l.
Proof.
  induction l as [|a l IH]; intros k c I; cbn [buckets fold_right] in I; unfold bucket in I.
  - rewrite PositiveMap.gempty in I. destruct I.
  - fold (buckets l) in I. destruct (Pos.eq_dec k (key a)) as [->|N].
    + rewrite PositiveMap.gss in I. destruct I as [<-|I]; [left; auto|right; eapply IH; eauto].
    + rewrite PositiveMap.gso in I by auto. right. apply (IH k). exact I.
Qed.

Lemma sumw_perm : forall u l l', Permutation l l' -> sumw u l = sumw u l'.
Proof.
  intros u l l' P. induction P; cbn [sumw].
  - auto.
  - rewrite IHP. auto.
  - destruct (weight u x None), (weight u y None), (sumw u l); auto.
    unfold together. destruct (shared ball); f_equal; lia.
  - congruence.
Qed.

Lemma light_covers : forall u l t rest, sumw u l = Some t -> (t <= d_lim u)%Z ->
  (forall s, In s rest -> light u (length rest) t s = true) ->
  covers u (rest ++ l) = true.
Proof.
  intros u l t rest E Cl. remember (length rest) as n eqn:En. intros H.
  assert (G : exists T, sumw u (rest ++ l) = Some T /\
    if shared ball then (T <= d_lim u)%Z else (Z.of_nat n * (T - t) <= Z.of_nat (length rest) * (d_lim u - t))%Z).
  { clear En. induction rest as [|s rest IH]; [exists t; split; auto; destruct (shared ball); simpl; lia|].
    destruct IH as (T & ET & LT); [intros; apply H; right; auto|]. specialize (H s (or_introl eq_refl)).
    unfold light in H. cbn [sumw app]. destruct (weight u s None) as [h|]; [|discriminate].
    rewrite ET. exists (together ball h T). split; auto. unfold together.
    destruct (shared ball); apply Z.leb_le in H; cbn [length]; lia. }
  destruct G as (T & ET & LT). unfold covers. rewrite ET. apply Z.leb_le. destruct (shared ball); auto. rewrite <- En in LT.
  destruct n; [|nia]. destruct rest; [|discriminate]. simpl in ET. rewrite E in ET. injection ET as <-. exact Cl.
Qed.

Lemma each_first : forall f heavy lights rest, each f heavy = true ->
  (exists s, In s rest /\ In s heavy) -> (forall s, In s rest -> In s heavy \/ In s lights) ->
  exists h s, f h s = true /\ In s rest /\ forall z, In z rest -> In z h \/ In z lights.
Proof.
  intros f. induction heavy as [|s heavy IH]; intros lights rest H (z & Iz & Hz) A; [destruct Hz|].
  cbn [each] in H. apply andb_prop in H as [H1 H2]. destruct (classic (In s rest)) as [Is|N].
  - exists (s :: heavy), s. auto.
  - apply (IH lights rest H2).
    + exists z. destruct Hz as [<-|Hz]; [contradiction|auto].
    + intros x Ix. destruct (A x Ix) as [[<-|?]|?]; auto. contradiction.
Qed.

Lemma partition_true : forall A (f : A -> bool) l yes no, partition f l = (yes, no) -> forall s, In s yes -> f s = true.
Proof.
  intros A f. induction l as [|a l IH]; intros yes no H s I; cbn [partition] in H.
  - inversion H; subst. destruct I.
  - destruct (partition f l) as [g h] eqn:E. destruct (f a) eqn:F; inversion H; subst.
    + destruct I as [<-|I]; auto. apply (IH g no eq_refl s I).
    + apply (IH yes h eq_refl s I).
Qed.

Definition sums (us : list (dual * Z)) (l : list state) : Prop :=
  forall u t, In (u, t) us -> In u (duals C) /\ sumw u l = Some t.
Lemma extend_sums : forall us l s, sums us l -> sums (extend us s) (s :: l).
Proof.
  intros us l s H u t I. unfold extend in I. apply in_flat_map in I as ([u' t'] & I' & I). cbn [fst snd] in I.
  destruct (H u' t' I') as [D S]. destruct (weight u' s None) as [h|] eqn:E; [|destruct I].
  destruct I as [I|[]]. inversion I; subst. split; auto. cbn [sumw]. rewrite E, S. reflexivity.
Qed.

Lemma escape_sound : forall k us allowed l, sums us l -> escape (buckets (map states (entries C))) us k allowed l = true ->
  forall rest, length rest = k -> (forall s, In s rest -> In s allowed) ->
  (exists c, In c (map states (entries C)) /\ Permutation c (rest ++ l)) \/
  (exists u, In u (duals C) /\ covers u (rest ++ l) = true).
Proof.
  induction k as [|k IH]; intros us allowed l Su H rest Lr Hr.
  - destruct rest; [|discriminate]. cbn [escape] in H. simpl. apply orb_prop in H as [H|H].
    + apply existsb_exists in H as (c & Ic & P). left. exists c. apply bucket_in in Ic. split; auto.
      apply (permb_perm _ _ state_eqb_eq) in P. auto.
    + apply existsb_exists in H as ([u t] & Iu & P). right. destruct (Su u t Iu) as [Du St]. exists u. split; auto.
      unfold covers. rewrite St. exact P.
  - assert (Main : forall s a, In s rest -> (forall z, In z rest -> In z a) ->
      escape (buckets (map states (entries C))) (extend us s) k a (s :: l) = true ->
      (exists c, In c (map states (entries C)) /\ Permutation c (rest ++ l)) \/
      (exists u, In u (duals C) /\ covers u (rest ++ l) = true)).
    { intros s a Is Ia Es. apply in_split in Is as (r1 & r2 & ->).
      assert (P : Permutation ((r1 ++ r2) ++ s :: l) ((r1 ++ s :: r2) ++ l)).
      { rewrite <- !app_assoc. apply Permutation_app_head. apply Permutation_sym. simpl. apply Permutation_middle. }
      destruct (IH (extend us s) a (s :: l) (extend_sums us l s Su) Es (r1 ++ r2)) as [(c & Ic & Pc)|(u & Iu & Cu)].
      - rewrite app_length in *. simpl in Lr. lia.
      - intros z Iz. apply Ia. apply in_app_iff in Iz as [?|?]; apply in_app_iff; simpl; auto.
      - left. exists c. split; auto. eapply Permutation_trans; eauto.
      - right. exists u. split; auto. unfold covers in *. rewrite <- (sumw_perm u _ _ P). auto. }
    cbn [escape] in H. destruct (find enough us) as [[u t]|] eqn:Fu.
    + apply find_some in Fu as [Iu Cu]. destruct (Su u t Iu) as [Du Et].
      destruct (partition (light u (S k) t) allowed) as [lights heavy] eqn:Pa.
      assert (Al : forall s, In s rest -> In s heavy \/ In s lights).
      { intros s Is. destruct (proj1 (elements_in_partition _ _ Pa s) (Hr s Is)); auto. }
      destruct (classic (exists s, In s rest /\ In s heavy)) as [Ex|No].
      * destruct (each_first _ _ _ rest H Ex Al) as (h & s & Es & Is & Ah).
        apply (Main s (h ++ lights) Is); auto. intros z Iz. apply in_app_iff. auto.
      * right. exists u. split; auto. apply light_covers with (t := t); auto; [apply Z.leb_le; exact Cu|]. rewrite Lr.
        intros s Is. destruct (Al s Is) as [Ih|Il]; [exfalso; apply No; eauto|].
        apply (partition_true _ (light u (S k) t) allowed lights heavy); auto.
    + destruct rest as [|s rest]; [discriminate|].
      destruct (each_first _ _ [] (s :: rest) H) as (h & z & Es & Is & Ah).
      { exists s. split; [left; auto|]. apply Hr. left; auto. }
      { intros x Ix. left. auto. }
      apply (Main z h Is); auto. intros x Ix. destruct (Ah x Ix) as [?|[]]. auto.
Qed.

Lemma total_ext : forall u c c' j face k, (forall i, (i < k)%nat -> st c i = st c' i) ->
  total ball u c j face k = total ball u c' j face k.
Proof.
  intros u c c' j face. induction k as [|k IH]; intros H; cbn [total]; auto.
  rewrite IH, (H k); auto.
Qed.

Lemma sumw_total : forall u j c t, (length c <= j)%nat -> sumw u c = Some t -> total ball u c j None (length c) = Some t.
Proof.
  intros u j. induction c as [|s c IH] using rev_ind; intros t L E; [exact E|].
  rewrite app_length in *. simpl length in *. rewrite Nat.add_1_r in *.
  assert (P : sumw u (s :: c) = Some t) by (rewrite <- E; apply sumw_perm; apply Permutation_cons_append).
  cbn [sumw] in P. destruct (weight u s None) as [h|] eqn:Eh; [|discriminate].
  destruct (sumw u c) as [t'|] eqn:Et; [|discriminate]. inversion P; subst t.
  cbn [total]. rewrite (total_ext u (c ++ [s]) c j None (length c)).
  - rewrite (IH t'); auto; [|lia]. destruct (Nat.eqb_spec (length c) j); [lia|].
    unfold st. rewrite app_nth2, Nat.sub_diag by lia. simpl. rewrite Eh. reflexivity.
  - intros i Hi. unfold st. rewrite app_nth1; auto.
Qed.
Lemma sumw_total' : forall u j c t k, length c = k -> (k <= j)%nat -> sumw u c = Some t -> total ball u c j None k = Some t.
Proof. intros u j c t k <- L E. apply sumw_total; auto. Qed.
End CoverCheck.

Section Placed.
Variable X : list row.
Variable y : list Z.
Variable m d : nat.
Variable lab : bool.
Variable ball : balls.
Variable bn bd : Z.
Variable strict : bool.
Variable C : cert.
Hypothesis Ck : check X y m d lab ball bn bd strict C = true.
Hypothesis some : (0 < length (patterns C))%nat.

Let P i := vec (pat C i).

(* the table of cones is complete *)
Lemma complete : forall p', (forall x, In x (nz X) -> dot x p' <> 0) ->
  forall N i, (i < length (patterns C))%nat -> (length (filter (opp (P i) p') (nz X)) <= N)%nat ->
  exists i', (i' < length (patterns C))%nat /\ same (nz X) (P i') p'.
Proof.
  intros p' N'.
  pose proof (ok_rows _ _ _ _ _ _ _ _ _ _ Ck) as Rw. unfold check_rows in Rw. rewrite !andb_true_iff in Rw.
  destruct Rw as [[[[[_ _] H3] H2] H1] H0]. rewrite forallb_forall in H3, H2, H1, H0.
  assert (Gen : forall i, (i < length (patterns C))%nat -> forall x, In x (nz X) -> dot x (P i) <> 0).
  { intros i Hi x Ix. unfold P. rewrite <- dotZ_dot. apply not_0_IZR. eapply pat_generic; eauto using Ck. }
  assert (PF : forall x z, In x (nz X) -> In z (nz X) -> parb x z = false -> exists v, dot x v = 0 /\ dot z v <> 0).
  { intros x z Ix Iz E. apply gram_sound. specialize (H2 x Ix). rewrite forallb_forall in H2. specialize (H2 z Iz).
    rewrite E in H2. simpl in H2. apply negb_true_iff, Z.eqb_neq in H2. auto. }
  assert (WI : forall r, In r (walls C) -> In r (nz X)).
  { intros r Ir. specialize (H1 r Ir). apply existsb_exists in H1 as (x & Ix & E).
    apply list_eqb_eq in E; [subst; auto|]. intros u v; apply Z.eqb_eq. }
  assert (WA : forall x, In x (nz X) -> exists r, In r (walls C) /\ parb r x = true).
  { intros x Ix. specialize (H0 x Ix). apply existsb_exists in H0 as (r & Ir & E). eauto. }
  induction N as [|N IH]; intros i Hi Hn.
  - exists i. split; auto. intros x Ix. destruct (Rtotal_order (dot x (P i) * dot x p') 0) as [L|[E|G]]; auto.
    + exfalso. assert (I : In x (filter (opp (P i) p') (nz X))).
      { apply filter_In. split; auto. unfold opp. destruct Rlt_dec; auto; lra. }
      destruct (filter _ (nz X)); simpl in *; [auto|lia].
    + exfalso. apply Rmult_integral in E as [E|E]; [apply (Gen i Hi x Ix E)|apply (N' x Ix E)].
  - destruct (classic (exists x, In x (nz X) /\ dot x (P i) * dot x p' < 0)) as [Ex|No].
    + destruct (flip (nz X) (walls C) parb (fun x z _ _ => parb_sound x z) PF WI WA _ p' (Gen i Hi) N' Ex)
        as (k & q & Ik & Dk & Hq).
      pose proof (WI k Ik) as IkX.
      apply (In_nth _ _ []) in Ik as (n & Hn' & Ek).
      pose proof (side_sound _ _ _ _ _ _ _ _ _ _ Ck i n Hi Hn') as S.
      assert (Ek' : wall C n = k) by exact Ek. rewrite Ek' in S.
      assert (Pk : parb k k = true).
      { destruct (parb k k) eqn:Pk; auto. destruct (PF k k IkX IkX Pk) as (v & v1 & v2). tauto. }
      destruct (nth n _ (Empty [])) as [i'|mu].
      * fold (P i) (P i') in S.
        assert (Hi' : (i' < length (patterns C))%nat).
        { destruct (Nat.lt_ge_cases i' (length (patterns C))) as [|Ge]; auto. exfalso.
          specialize (S k IkX). rewrite Pk in S. unfold P, pat in S.
          rewrite (nth_overflow (patterns C) (Pat [] []) Ge) in S. simpl in S.
          assert (Z : dot k (vec []) = 0) by (apply dot_0; intros [|?]; reflexivity). rewrite Z in S. lra. }
        apply (IH i' Hi'). apply Nat.lt_succ_r. eapply Nat.lt_le_trans; [|exact Hn].
        apply (filter_lt row (opp (P i) p') (opp (P i') p') (nz X) k); auto.
        -- intros x Ix. specialize (S x Ix). specialize (Hq x Ix). unfold opp.
           destruct (parb k x); destruct (Rlt_dec (dot x (P i') * dot x p') 0); try discriminate;
             intros _; destruct (Rlt_dec (dot x (P i) * dot x p') 0) as [|nn]; auto; exfalso; apply nn; nra.
        -- unfold opp. destruct Rlt_dec; auto; lra.
        -- specialize (S k IkX). specialize (Hq k IkX). rewrite Pk in *. unfold opp.
           destruct (Rlt_dec (dot k (P i') * dot k p') 0); auto. exfalso. nra.
      * exfalso. apply (S q). intros z Iz. specialize (Hq z Iz). destruct (parb k z); tauto.
    + apply (IH i Hi). assert (filter (opp (P i) p') (nz X) = []) as ->; [|simpl; lia].
      destruct (filter (opp (P i) p') (nz X)) as [|z l] eqn:Ef; auto. exfalso. apply No. exists z.
      assert (I : In z (filter (opp (P i) p') (nz X))) by (rewrite Ef; left; auto).
      apply filter_In in I as [Iz Oz]. split; auto. unfold opp in Oz. destruct Rlt_dec; auto; discriminate.
Qed.

(* every network lies in a cell *)
Theorem placed : forall W a, exists c, length c = m /\ (forall s, In s c -> In s (all_states C)) /\ in_cell (nz X) P m W a c.
Proof.
  intros W a.
  destruct (some_cell (nz X)) with (m := m) (W := W) (a := a) as (s' & p' & H').
  { pose proof (ok_rows _ _ _ _ _ _ _ _ _ _ Ck) as Rw. unfold check_rows in Rw. rewrite !andb_true_iff in Rw.
    destruct Rw as [[[[[_ _] H3] _] _] _]. rewrite forallb_forall in H3.
    intros x Ix. specialize (H3 x Ix). apply negb_true_iff, Z.eqb_neq, not_0_IZR in H3.
    exists (vec x). rewrite <- dotZ_dot. auto. }
  destruct (finite_choice nat O m (fun j i => (i < length (patterns C))%nat /\ same (nz X) (P i) (p' j))) as (idx & Hidx).
  { intros j Hj. destruct (H' j Hj) as [_ Hp].
    apply (complete (p' j)) with (N := length (filter (opp (P 0) (p' j)) (nz X))) (i := O); auto.
    intros x Ix. apply (Hp x Ix). }
  set (c := map (fun j => (s' j, idx j)) (seq 0 m)).
  assert (Lc : length c = m) by (unfold c; rewrite map_length, seq_length; auto).
  assert (Ec : forall j, (j < m)%nat -> st c j = (s' j, idx j)).
  { intros j Hj. unfold st, c. rewrite (nth_indep _ _ ((fun j => (s' j, idx j)) O)).
    - rewrite (map_nth (fun j => (s' j, idx j))). rewrite seq_nth; auto.
    - rewrite map_length, seq_length; auto. }
  assert (Hc : in_cell (nz X) P m W a c).
  { intros j Hj. rewrite (Ec j Hj). simpl. destruct (H' j Hj) as [Hs Hp]. destruct (Hidx j Hj) as [_ Sm].
    split; auto. intros x Ix. destruct (Hp x Ix) as [Np Sp]. specialize (Sm x Ix).
    set (A := dot x (P (idx j))) in *. set (B := dot x (p' j)) in *. set (u := dot x (uvec W a j)) in *.
    destruct (Rtotal_order u 0) as [L|[E'|G]].
    - assert (B <= 0) by nra. nra.
    - rewrite E'. lra.
    - assert (B >= 0) by nra. nra. }
  exists c. split; auto. split; auto. intros s Is. unfold c in Is. apply in_map_iff in Is as (j & <- & Ij). apply in_seq in Ij.
  destruct (Hidx j) as [Hi _]; [lia|]. unfold all_states. apply in_flat_map. exists (idx j).
  split; [apply in_seq; lia|]. destruct (s' j); simpl; auto.
Qed.
End Placed.

Definition check_cover X y m d lab ball bn bd strict C : bool :=
  check X y m d lab ball bn bd strict C && Nat.ltb 0 (length (patterns C)) &&
  escape ball (buckets (map states (entries C))) (map (fun u => (u, 0%Z)) (duals C)) m (all_states C) [].

Section CoverSound.
Variable X : list row.
Variable y : list Z.
Variable m d : nat.
Variable lab : bool.
Variable ball : balls.
Variable bn bd : Z.
Variable strict : bool.
Variable C : cert.
Hypothesis OK : check_cover X y m d lab ball bn bd strict C = true.

Let P i := vec (pat C i).

Lemma cov_check : check X y m d lab ball bn bd strict C = true.
Proof. pose proof OK as H. unfold check_cover in H. rewrite !andb_true_iff in H. tauto. Qed.
Lemma cov_some : (0 < length (patterns C))%nat.
Proof. pose proof OK as H. unfold check_cover in H. rewrite !andb_true_iff in H. apply Nat.ltb_lt. tauto. Qed.

Theorem cover_sound : forall W a, in_ball m d ball W a -> below bn bd strict (loss X y m W a) ->
  exists c0 f g, In c0 (map states (entries C)) /\ Bij m f g /\
    in_cell (nz X) P m (fun j => W (g j)) (fun j => a (g j)) c0.
Proof.
  intros W a Hb Hl.
  destruct (placed X y m d lab ball bn bd strict C cov_check cov_some W a) as (c & Lc & Ac & Hc).
  pose proof OK as Esc. unfold check_cover in Esc. rewrite !andb_true_iff in Esc. destruct Esc as [_ Esc].
  assert (Su : sums ball C (map (fun u => (u, 0%Z)) (duals C)) []).
  { intros u t I. apply in_map_iff in I as (u' & E & I). injection E as <- <-. split; [exact I|reflexivity]. }
  destruct (escape_sound ball C m _ (all_states C) [] Su Esc c Lc) as [(c0 & I0 & P0)|(u & Iu & Cu)].
  - exact Ac.
  - rewrite app_nil_r in P0. apply (Permutation_Bij _ (true, O)) in P0 as (f & g & B & E).
    assert (L0 : length c0 = m) by (apply (entry_length _ _ _ _ _ _ _ _ _ _ cov_check); auto).
    assert (B' : Bij m f g) by (rewrite <- L0; exact B).
    exists c0, f, g. split; auto. split; auto.
    eapply carry; eauto. intros x Hx. apply E. rewrite <- L0 in Hx. exact Hx.
  - exfalso. rewrite app_nil_r in Cu.
    apply (above_sound X y m d lab ball bn bd strict C cov_check u c m None Iu) with (W := W) (a := a); auto.
    + unfold above. unfold covers in Cu. destruct (sumw ball u c) as [t|] eqn:Et; [|discriminate].
      assert (T : total ball u c m None m = Some t).
      { apply sumw_total'; auto. }
      rewrite T. exact Cu.
    + intros; lia.
Qed.

(* no cell listed: a lower bound of the loss of every network *)
Corollary least_loss : strict = false -> entries C = [] -> forall W a, in_ball m d ball W a -> loss X y m W a >= IZR bn / IZR bd.
Proof.
  intros Es E W a Hb. apply Rnot_lt_ge. intros L'. assert (L : below bn bd strict (loss X y m W a)) by (unfold below; rewrite Es; exact L'). destruct (cover_sound W a Hb L) as (c0 & f & g & I & _).
  rewrite E in I. destruct I.
Qed.
End CoverSound.
